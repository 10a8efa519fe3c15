"""Everything that is installed is pinned with its hashes, and listed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: Final[dict[str, list[str]]] = PYPROJECT["dependency-groups"]
# The lock of each list of dependencies.
DIRECT: Final = [
    *(("requirements.lock", text) for text in PYPROJECT["project"]["dependencies"]),
    *(("requirements.lock", text) for text in GROUPS["build"]),
    *(("requirements-dev.lock", text) for text in GROUPS["dev"]),
]
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")


class Locked(NamedTuple):
    """One entry of a lock file: its requirement and its allowed hashes."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The package's name in the spelling of indexes."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The pinned version."""
        [pin] = self.requirement.specifier
        return pin.version


@cache
def entries(lock: str) -> list[Locked]:
    """Return the entries of a lock file; fails on any other line."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    joined = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ").splitlines()
    found = []
    for line in joined:
        text, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        found.append(Locked(Requirement(text), tuple(hashes)))
    return found


def every_entry() -> list[Any]:
    return [pytest.param(entry, id=f"{lock}: {entry.name}") for lock in LOCKS for entry in entries(lock)]


@pytest.mark.parametrize("entry", every_entry())
def test_every_package_is_pinned_to_one_version_with_its_hashes(entry: Locked) -> None:
    assert [pin.operator for pin in entry.requirement.specifier] == ["=="]
    assert "*" not in entry.version
    assert entry.requirement.url is None
    assert entry.hashes
    assert all(_HASH.fullmatch(text) for text in entry.hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_each_package_once(lock: str) -> None:
    names = [entry.name for entry in entries(lock)]

    assert len(names) > 10
    assert len(set(names)) == len(names)


def test_both_locks_pin_their_common_packages_alike() -> None:
    """Both are installed into one environment, one after the other."""
    runtime, development = ({entry.name: entry for entry in entries(lock)} for lock in LOCKS)
    both = runtime.keys() & development.keys()

    assert "packaging" in both
    assert {runtime[name].version for name in both} == {development[name].version for name in both}
    assert all(set(runtime[name].hashes) == set(development[name].hashes) for name in both)


@pytest.mark.parametrize(("lock", "text"), DIRECT)
def test_a_direct_dependency_is_locked_within_its_range(lock: str, text: str) -> None:
    asked_for = Requirement(text)
    [locked] = [entry for entry in entries(lock) if entry.name == canonicalize_name(asked_for.name)]

    assert asked_for.specifier.contains(locked.version)
    assert locked.requirement.marker is None


def test_nothing_is_installed_without_its_hash() -> None:
    """Except the project itself, from this checkout, without dependencies and without another build environment."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"^(?:INSTALL :=|\t)(.*\binstall\b.*)$", makefile, re.MULTILINE)
    from_locks = re.findall(r"^\t\$\(INSTALL\) -r (\S+)$", makefile, re.MULTILINE)
    # `make newest` tests the newest versions on the index, in an environment of its own.
    [unhashed] = [line for line in installs if "--require-hashes" not in line and "$(NEWEST)" not in line]

    assert set(from_locks) == {*LOCKS, "deploy/containers/requirements.lock"}
    assert unhashed == "$(PIP) install --quiet --no-deps --no-build-isolation --editable ."
    assert any("--require-hashes" in line and "--no-deps" in line for line in installs)
    assert not re.search(r"\bpip install\b(?!.*\$\(NEWEST\))|\bcurl\b|\bwget\b", makefile)


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the bill of materials as `make sbom` writes it, without the 5 s in which the tool validates it."""
    path = tmp_path_factory.mktemp("build") / "sbom.json"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [command] = re.findall(r"^\t\$\(BIN\)/(cyclonedx-py .*)$", makefile, re.MULTILINE)
    program, *arguments = command.replace("build/sbom.json", str(path)).split()
    made = [Path(sys.executable).with_name(program), *arguments, "--no-validate"]
    subprocess.run(made, cwd=ROOT, check=True)  # noqa: S603 -- a locked tool
    written: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return written


def test_the_bill_of_materials_names_every_locked_package_with_version_and_hashes(sbom: dict[str, Any]) -> None:
    listed = {
        component["purl"]: {f"--hash=sha256:{one['content']}" for one in component["externalReferences"][0]["hashes"]}
        for component in sbom["components"]
    }

    assert listed == {f"pkg:pypi/{one.name}@{one.version}": set(one.hashes) for one in entries("requirements.lock")}


def test_the_bill_of_materials_names_the_project(sbom: dict[str, Any]) -> None:
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["component"]["name"] == PYPROJECT["project"]["name"]
    assert sbom["metadata"]["component"]["version"] == PYPROJECT["project"]["version"]


def test_the_same_lock_gives_the_same_bill_of_materials(sbom: dict[str, Any]) -> None:
    assert "serialNumber" not in sbom
    assert "timestamp" not in sbom["metadata"]


def test_an_audit_without_an_answer_fails() -> None:
    """Without --strict, pip-audit prints "No known vulnerabilities found" even if it could not ask about any package."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [audit] = re.findall(r"^\t(\$\(BIN\)/pip-audit (?:.*\\\n)*.*)$", makefile, re.MULTILINE)

    assert {"--strict", "--require-hashes", "--disable-pip"} <= set(audit.split())
    assert all(f"-r {lock}" in audit for lock in LOCKS)
    assert "exit 1" in audit
