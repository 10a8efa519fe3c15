"""What all assets have in common: group, owner, kinds, columns, and how an error of the outside world is shown.

An asset's body is: read → one step → return with metadata and check results.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar, cast

import dagster as dg

from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import Table
from konkurs_pipeline.steps.poll import Poll

OWNER = "team:konkurs"
# What made a materialisation: the version of this program.
CODE_VERSION = version("konkurs-pipeline")
P = ParamSpec("P")
R = TypeVar("R")


def columns_of(table: type[Table]) -> dg.TableSchema:
    """Return a table's columns with types and comments, for Dagster's UI."""
    columns = table.to_schema().columns.items()
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=str(column.dtype), description=column.description or "")
            for name, column in columns
        ]
    )


def workday_asset(  # noqa: PLR0913 -- what differs between the assets, all by name
    table: type[Table],
    workdays: dg.PartitionsDefinition,
    *,
    group: str,
    kind: str,
    deps: Sequence[str],
    check_specs: Sequence[dg.AssetCheckSpec],
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset that is a table by workday: its description and columns are the table's.

    A backfill of a range is one run: the service answers a range in one request, and decisions rest on all of it.
    """
    return dg.asset(
        description=inspect.cleandoc(table.__doc__ or ""),
        metadata={"dagster/column_schema": columns_of(table)},
        group_name=group,
        kinds={kind},
        owners=[OWNER],
        code_version=CODE_VERSION,
        partitions_def=workdays,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=deps,
        check_specs=check_specs,
    )


def register_spec(name: str, table: type[Table], description: str) -> dg.AssetSpec:
    """Return one table of the bank's register as an asset."""
    return dg.AssetSpec(
        name,
        description=description,
        metadata={"dagster/column_schema": columns_of(table)},
        group_name="register",
        kinds={"parquet"},
        owners=[OWNER],
        code_version=CODE_VERSION,
    )


def shows_errors(asset: Callable[P, R]) -> Callable[P, R]:
    """Show a foreseen error as one clear line, record it in the poll, and let no library quote a value in the run's log."""

    @functools.wraps(asset)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        poll = next(value for value in kwargs.values() if isinstance(value, Poll))
        poll.progress(asset.__name__.replace("_", " "), 0, None)
        began = time.perf_counter()
        try:
            return _measured(asset(*args, **kwargs), poll, time.perf_counter() - began)
        except KonkursError as error:
            said = poll.fail(error)
        except Exception as error:  # noqa: BLE001 -- a bug's text may quote a row: it is shown redacted, with its place
            said = f"{poll.fail(error)} ({_place_of(error)})"
        raise dg.Failure(description=redact(said), allow_retries=False)

    return guarded


def _measured(made: R, poll: Poll, seconds: float) -> R:
    """Add to a materialisation how long it took, and for how many workdays: numbers that draw a line over time."""
    if not isinstance(made, dg.MaterializeResult):
        return made
    metadata = {**(made.metadata or {}), "seconds": round(seconds, 3), "workdays": len(poll.days())}
    measured: dg.MaterializeResult[Any] = dg.MaterializeResult(
        asset_key=made.asset_key, metadata=metadata, check_results=made.check_results
    )
    return cast("R", measured)


def _place_of(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "no place"
