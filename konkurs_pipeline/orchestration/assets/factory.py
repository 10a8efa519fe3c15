"""Dagster's assets, made from the table: one operation for each step, partitioned by workday.

A backfill of a range is one run: the service answers a range in one request, and decisions need all of it. What does not
belong here: which assets there are (`assets.table`).
"""

import inspect
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import dagster as dg

from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.assets.table import STEPS, Step
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks.alarms import alarm_results
from konkurs_pipeline.orchestration.checks.results import SCHEMA_CHECK, reported
from konkurs_pipeline.orchestration.runs.step_results import StepResults
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.register import RegisterAccounts, RegisterCustomers
from konkurs_pipeline.schemas.tables import Table
from konkurs_pipeline.steps.poll import Poll, fail

OWNER: Final = "team:konkurs"
CODE_VERSION: Final = version("konkurs-pipeline")
# The step that ends a run reports the alarms.
_LAST: Final = "outbox"


def build_assets(workdays: dg.PartitionsDefinition, names: BankNames) -> list[dg.AssetsDefinition]:
    """Return all assets of a poll, partitioned by `workdays`."""
    with warnings.catch_warnings():
        # backfill_policy and code references are in beta; the versions are pinned, and a test runs a range.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_build(step, workdays, names) for step in STEPS]


def _build(step: Step, workdays: dg.PartitionsDefinition, names: BankNames) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=step.name,
        specs=[_spec(step, asset, names) for asset in step.tables],
        check_specs=step.check_specs(names),
        pool=names.pool,
        # A job without checks needs it (checks/results.py).
        can_subset=True,
        partitions_def=workdays,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def run(
        context: dg.AssetExecutionContext, poll: dg.ResourceParam[Poll], results: dg.ResourceParam[StepResults]
    ) -> Iterator[Any]:
        yield from _run(step, context, poll, results, names)

    return run


def _spec(step: Step, asset: str, names: BankNames) -> dg.AssetSpec:
    return dg.AssetSpec(
        names.asset(asset),
        deps=[names.asset(name) for name in step.deps],
        description=step.description_of(asset),
        metadata={
            "dagster/column_schema": columns_of(step.tables[asset]),
            "dagster/code_references": code_of(step.code),
        },
        group_name=step.group,
        kinds={step.kind},
        owners=[OWNER],
        code_version=CODE_VERSION,
    )


def code_of(function: Callable[..., object]) -> dg.CodeReferencesMetadataValue:
    """Return where a function's code is, for Dagster's UI."""
    line = inspect.getsourcelines(function)[1]
    reference = dg.LocalFileCodeReference(file_path=inspect.getsourcefile(function) or "", line_number=line)
    return dg.CodeReferencesMetadataValue(code_references=[reference])


def columns_of(table: type[Table | RegisterCustomers | RegisterAccounts]) -> dg.TableSchema:
    """Return a table's columns with types and comments, for Dagster's UI."""
    columns = table.to_schema().columns.items()
    return dg.TableSchema(
        [dg.TableColumn(name, str(column.dtype), column.description or "") for name, column in columns]
    )


def _run(
    step: Step, context: dg.AssetExecutionContext, poll: Poll, results: StepResults, names: BankNames
) -> Iterator[Any]:
    """Make the step's assets and report their checks; the last step, and one that fails, report the alarms too."""
    planned = context.selected_asset_check_keys
    poll.progress(step.name.replace("_", " "), 0, None)
    began = time.perf_counter()
    failure = None
    try:
        made = step.make(poll, results)
    except KonkursError as error:
        failure = fail(poll, error)
    except Exception as error:  # noqa: BLE001 -- a bug's text may quote a row: it is shown redacted, with its place
        failure = f"{fail(poll, error)} ({_place_of(error)})"
    else:
        seconds = {"seconds": round(time.perf_counter() - began, 3), "workdays": len(poll.days())}
        for asset, one in zip(step.tables, made, strict=True):
            yield dg.MaterializeResult(asset_key=names.asset(asset), metadata={**one.metadata, **seconds})
            yield from reported(one.results, planned, names)
        failure = _broken(made, poll)
    if failure or step.name == _LAST:
        yield from reported(alarm_results(poll), planned, names)
    if failure:
        raise dg.Failure(redact(failure), _what_to_do(), allow_retries=False)


def _broken(made: tuple[Made, ...], poll: Poll) -> str | None:
    """Return why the run must stop if stored rows are not valid, else None."""
    for result in (result for one in made for result in one.results):
        if result.check_name == SCHEMA_CHECK and not result.passed:
            message = f"{result.asset_key}: the stored rows are not valid: {result.metadata['broken'].value}"
            return fail(poll, KonkursError(message))
    return None


def _what_to_do() -> Mapping[str, str]:
    """Return what a person reads beside a failed step."""
    return {
        "what_it_means": "The poll failed. Nothing was decided after this step; the files written before it stand.",
        "what_to_do": "The next poll tries again by itself. If that fails too: `konkurs doctor`, then docs/runbook.md.",
    }


def _place_of(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "no place"
