"""The JSON Schemas of everything that other systems read or write, made from the models beside this module.

The folder `schemas/` has them as files, so that a reader need not run anything; `make docs` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from konkurs_pipeline.contracts.alert import Alert
from konkurs_pipeline.contracts.control_request import ControlAnswer, ControlRequest
from konkurs_pipeline.contracts.outbox import Manifest, OutboxRecord
from konkurs_pipeline.contracts.receipt import Receipt
from konkurs_pipeline.contracts.register import AccountRow, CustomerRow

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# Name → model, and whether we write it or read it.
_MODELS: Final[Mapping[str, tuple[Any, Literal["serialization", "validation"]]]] = {
    "outbox_record": (OutboxRecord, "serialization"),
    "manifest": (Manifest, "serialization"),
    "receipt": (Receipt, "validation"),
    "alert": (Alert, "serialization"),
    "control_request": (ControlRequest, "validation"),
    "control_answer": (ControlAnswer, "serialization"),
    "register_customer": (CustomerRow, "validation"),
    "register_account": (AccountRow, "validation"),
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return file name → JSON Schema, one for each kind of file, message or row."""
    return {f"{name}.schema.json": _schema(name, model, mode) for name, (model, mode) in _MODELS.items()}


def _schema(name: str, model: Any, mode: Literal["serialization", "validation"]) -> dict[str, Any]:  # noqa: ANN401 -- pydantic takes any type
    made = TypeAdapter(model).json_schema(mode=mode, by_alias=True)
    return {"$schema": _DIALECT, "$id": f"urn:konkurs:{name}", **made}


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema to `folder`, which is created if it is missing; returns the files. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in json_schemas().items():
        path = folder / name
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
