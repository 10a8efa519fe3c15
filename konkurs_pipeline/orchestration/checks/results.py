"""Results of asset checks, for a person. What stops a wrong row is elsewhere: each table is validated before it is written.

A job plans no checks: Dagster shows each planned check of a failed run as failed, also those that were never run. An asset
reports the results of the checks that it did run. What does not belong here: the rules (schemas/, domain/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import dagster as dg
import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.schemas.tables import Table, dtypes, validated

SCHEMA_CHECK = "schema"


def schema_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """Declare the check that the stored rows are valid; it blocks what is downstream."""
    description = (
        "The stored rows satisfy the table's pandera schema. Else: `konkurs verify`, then restore what it names"
    )
    return dg.AssetCheckSpec(SCHEMA_CHECK, asset=asset, description=description, blocking=True)


def schema_result(table: type[Table], rows: pl.DataFrame, asset: str) -> dg.AssetCheckResult:
    """Validate rows that were read back."""
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
    """Pass when nothing was found; show what was found (no identifiers), or how many."""
    if isinstance(found, int):
        return dg.AssetCheckResult(
            check_name=name, asset_key=asset, passed=found == 0, severity=severity, metadata={"found": found}
        )
    lines = sorted(set(found))
    metadata: dict[str, dg.MetadataValue | int] = {"found": len(lines)}
    if lines:
        metadata["what"] = dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
    return dg.AssetCheckResult(check_name=name, asset_key=asset, passed=not lines, severity=severity, metadata=metadata)


def reported(
    results: Iterable[dg.AssetCheckResult], planned: Collection[dg.AssetCheckKey], names: BankNames
) -> Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation]:
    """Yield each result as Dagster takes it: as a result where the run planned the check, else as an evaluation."""
    for result in results:
        if result.asset_key is None or result.check_name is None:
            message = "a check's result names its asset and its check"
            raise dg.DagsterInvariantViolationError(message)
        key = dg.AssetCheckKey(names.asset(result.asset_key), result.check_name)
        if key in planned:
            yield renamed(result, names)
            continue
        yield dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=result.passed,
            severity=result.severity,
            metadata=result.metadata,
        )


def renamed(result: dg.AssetCheckResult, names: BankNames) -> dg.AssetCheckResult:
    """Return a result of an asset, given by its plain name, under the name that the asset has in this Dagster."""
    return dg.AssetCheckResult(
        asset_key=names.asset(result.asset_key or ""),
        check_name=result.check_name,
        passed=result.passed,
        severity=result.severity,
        metadata=result.metadata,
    )
