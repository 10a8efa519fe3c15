# ruff: noqa: INP001 -- a script, not a package
"""Writes the software bill of materials: what the lock file installs, as CycloneDX 1.6, from files alone.

The same lock gives the same bytes: no time and no serial number stands in it. Each package has its version, its purl and
the hashes of the files that may be installed for it. Which packages need which is not in the lock: only the project's own
direct dependencies are named.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

_REQUIREMENT: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\\n]+?))?\s*\\?$"
    r"(?P<hashes>(?:\n\s+--hash=sha256:[0-9a-f]{64}(?:\s*\\)?$)+)",
    re.MULTILINE,
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of_materials(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return the CycloneDX document of a lock file's text and pyproject's [project] table."""
    components = [_component(found) for found in _REQUIREMENT.finditer(lock)]
    purls = {component["name"]: component["purl"] for component in components}
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    direct = sorted(purls[_name_of(requirement)] for requirement in project["dependencies"])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "purl": root,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": direct}],
    }


def _component(found: re.Match[str]) -> dict[str, Any]:
    name = _normal(found["name"])
    purl = f"pkg:pypi/{name}@{found['version']}"
    hashes = [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(found["hashes"])]
    files = {"type": "distribution", "url": purl, "comment": "the files the lock allows", "hashes": hashes}
    component = {"type": "library", "bom-ref": purl, "name": name, "version": found["version"], "purl": purl}
    marker = {"properties": [{"name": "python:marker", "value": found["marker"]}]} if found["marker"] else {}
    return {**component, "externalReferences": [files], **marker}


def _name_of(requirement: str) -> str:
    return _normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Read the lock file and pyproject.toml, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    document = bill_of_materials(given.lock.read_text(encoding="utf-8"), project)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
