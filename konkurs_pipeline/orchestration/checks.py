"""Asset checks: the rules a person should see, with their results. The gates themselves stand where tables are written.

A check that can stop what is downstream is blocking; the others say that a person must look. What does not belong here:
the rules (schemas/, domain/).
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import Table, dtypes, validated

SCHEMA_CHECK = "schema"


def spec(asset: str, name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    """Declare a check of an asset."""
    return dg.AssetCheckSpec(name=name, asset=asset, description=description, blocking=blocking)


def schema_spec(asset: str) -> dg.AssetCheckSpec:
    """Declare the check that what stands on disk is valid; it blocks what is downstream."""
    said = "What stands on disk satisfies the table's pandera schema: columns, types, keys, codes"
    return spec(asset, SCHEMA_CHECK, said, blocking=True)


def schema_result(table: type[Table], rows: pl.DataFrame, asset: str) -> dg.AssetCheckResult:
    """Hold rows that were read back against their schema."""
    try:
        validated(table, rows)
    except StoreError as error:
        return dg.AssetCheckResult(
            check_name=SCHEMA_CHECK, asset_key=asset, passed=False, metadata={"broken": str(error)}
        )
    return dg.AssetCheckResult(
        check_name=SCHEMA_CHECK,
        asset_key=asset,
        passed=True,
        metadata={"rows": rows.height, "columns": len(dtypes(table))},
    )


def none_found(
    asset: str,
    name: str,
    found: Iterable[str] | int,
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetCheckResult:
    """Pass when nothing was found; show what was (no identifiers), or how many."""
    if isinstance(found, int):
        return dg.AssetCheckResult(
            check_name=name, asset_key=asset, passed=found == 0, severity=severity, metadata={"found": found}
        )
    lines = sorted(set(found))
    metadata: dict[str, dg.MetadataValue | int] = {"found": len(lines)}
    if lines:
        metadata["what"] = dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
    return dg.AssetCheckResult(check_name=name, asset_key=asset, passed=not lines, severity=severity, metadata=metadata)
