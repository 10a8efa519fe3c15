"""Checks written files by the JSON Schemas of the package, with a validator that is not ours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

SCHEMAS: Final = Path(__file__).parents[2] / "konkurs_pipeline" / "contracts" / "schemas"


@cache
def validator(name: str) -> Any:  # noqa: ANN401 -- jsonschema has no types
    """Return the validator of a schema after checking the schema itself."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def assert_valid(name: str, content: object) -> None:
    """Fail if the content does not fit a schema; the message names the first fault."""
    faults = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(content)]
    assert not faults, f"{name}: {faults[0]}"


def assert_valid_outbox_file(jsonl: Path) -> None:
    """Fail if a line of an outbox file, or its manifest, does not fit its schema."""
    for line in jsonl.read_bytes().removesuffix(b"\n").split(b"\n"):
        assert_valid("outbox_record", json.loads(line))
    assert_valid("manifest", json.loads(jsonl.with_name(f"{jsonl.stem}.manifest.json").read_bytes()))
