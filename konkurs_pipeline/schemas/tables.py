"""The tables of the lake and the ledger, one pandera model each: the one place that says which columns there are.

From a model come the gate before a write, the type of an empty frame, the ledger's DDL, the analyst views with their
comments, the columns shown in Dagster and the data dictionary. What does not belong here: how a table is filled.

All instants (`_at`) are UTC. A workday is the partition, an Oslo calendar date.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Annotated, Any, Final

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from konkurs_pipeline.domain.actions import ActionKind, ActionStatus
from konkurs_pipeline.domain.datasets import Role
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.matching import Doubt, MatchedVia
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.domain.reviews import ReviewOutcome
from konkurs_pipeline.errors import StoreError

Instant = Annotated[pl.Datetime, "us", "UTC"]
_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_SHA256: Final = r"^[0-9a-f]{64}$"


def _column(description: str, **rules: Any) -> Any:  # noqa: ANN401 -- pandera's Field is typed as Any
    return pa.Field(description=description, **rules)


def _optional(description: str, **rules: Any) -> Any:  # noqa: ANN401 -- pandera's Field is typed as Any
    return pa.Field(description=description, nullable=True, **rules)


class Table(pa.DataFrameModel):
    """Base of all tables: exactly the declared columns, in order."""

    class Config:
        """Nothing is coerced: what is written has the right type already."""

        strict = True
        ordered = True
        coerce = False


class RawNotices(Table):
    """Every notice that a poll of its workday saw. One row per notice (uuid). Personal data: debtor_id, payload.

    Source: the list of Konkursvarsel. The first version seen stays; a later, different one is in `quarantine`.
    """

    uuid: str = _column("Brreg's id of the notice", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the workday the notice belongs to (partition)")
    type: str = _column("varseltype: aapning, sletting, oppheving or avslutning; an unknown type as received")
    registered_at: Instant = _column("registreringstidspunkt as an instant")
    registered_at_text: str = _column("registreringstidspunkt as received")
    ruling_date: dt.date = _optional("kjennelsesdato; null where the list gives none")
    debtor_id: str = _column("debitor: orgnr, fødselsnummer or D-nummer as received")
    debtor_kind: str = _column("what debtor_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    first_seen_at: Instant = _column("when an answer first held the notice")
    payload: str = _column("the notice as received, JSON")
    answer_sha256: str = _column("hash of the answer that first held it", str_matches=_SHA256)
    run_id: str = _column("the run that first saw it")


class ExpandedDatasets(Table):
    """The expanded datasets (utvidet datasett) that were fetched. One row per notice. Personal data: payload.

    A document that contradicts its notice is not here but in `quarantine`.
    """

    uuid: str = _column("the notice", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    fetched_at: Instant = _column("when the document was received")
    payload: str = _column("the document as received, JSON")
    answer_sha256: str = _column("hash of the bytes received", str_matches=_SHA256)
    run_id: str = _column("the run that fetched it")


class Debtors(Table):
    """The parties whose accounts are the debtor's. One row per notice and identifier. Personal data: all of it.

    Source: the notice itself and the declared paths of its dataset. A trustee or an estate's own number is never here.
    """

    notice_uuid: str = _column("the notice", str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    national_id: str = _column("identifikator: orgnr, fødselsnummer or D-nummer")
    id_kind: str = _column("what national_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    role: str = _column("debtor (debitor) or linked_unit (tilknyttet enhet)", isin=[r.value for r in Role])
    name: str = _optional("navn; null where no dataset was fetched")
    organisation_form: str = _optional("organisasjonsform of a linked unit: ENK or TVAM")
    postal_code: str = _optional("postnummer of the debtor")
    postal_place: str = _optional("poststed of the debtor")


class CustomerMatches(Table):
    """Which customers a notice is about. One row per notice and customer, kept for ever. Personal data: national_id."""

    notice_uuid: str = _column("the notice", str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    customer_ref: str = _column("the bank's reference of the customer")
    matched_via: str = _column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    national_id: str = _column("the identifier both have")
    found_at: Instant = _column("when the match was first found")
    doubt: str = _optional("why the match can lead to a REVIEW only; null: none", isin=[d.value for d in Doubt])
    register_id: str = _column("the register snapshot it was found in", str_matches=_SHA256)


class Estates(Table):
    """The state of each bankruptcy now. One row per opening. Personal data: debtor_id.

    Source: the fold of all notices (domain/estates).
    """

    debtor_id: str = _column("debitor of the opening")
    opening_uuid: str = _column("the notice (aapning) that opened it", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the opening's workday (partition)")
    state: str = _column("open, deleted (sletting), revoked (oppheving), closed (avslutning)", isin=list(EstateState))
    ruling_date: dt.date = _optional("kjennelsesdato of the opening: the bankruptcy date")
    registered_at: Instant = _column("when the opening was registered")
    state_since: Instant = _column("when what made the state was registered")
    changed_by_uuid: str = _optional("the notice that made the state; null: the opening itself", str_matches=_UUID)


class Actions(Table):
    """What the bank was asked to do. One row per decision (action_id). No national identifier.

    Source: the ledger.
    """

    action_id: str = _column("the same decision has the same id in every run", unique=True, str_matches=_UUID)
    action: str = _column("BLOCK, REOPEN, REVIEW or INFORM", isin=[k.value for k in ActionKind])
    customer_ref: str = _column("the bank's reference of the customer")
    account_no: str = _optional("kontonummer; null: the customer as a whole")
    notice_uuid: str = _column("the notice it follows from", str_matches=_UUID)
    notice_type: str = _column("the notice's type")
    registered_at_text: str = _column("the notice's registreringstidspunkt as received")
    ruling_date: dt.date = _optional("the notice's kjennelsesdato")
    matched_via: str = _column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    reason: str = _column("why, in one word (docs/decision-table.md)")
    caused_by: str = _optional("the BLOCK that a REOPEN or REVIEW answers", str_matches=_UUID)
    was_blocked: bool = _optional("whether the register had the account blocked before our BLOCK; null: not said")
    decided_at: Instant = _column("when it was decided")
    run_id: str = _column("the run that decided it")
    register_id: str = _optional("the register snapshot it rests on", str_matches=_SHA256)
    status: str = _column("held, exported, applied, already_applied, rejected, void", isin=list(ActionStatus))
    seq: pl.Int64 = _optional("sequence number of the outbox file that holds it")
    exported_at: Instant = _optional("when that file was committed")
    confirmed_at: Instant = _optional("when core banking says it was carried out, or rejected")
    status_code: str = _optional("core banking's code")
    released_at: Instant = _optional("when a person released a held row")
    released_by: str = _optional("who released it")
    release_reason: str = _optional("why it was released")
    void_reason: str = _optional("why a held row was never written")


class Polls(Table):
    """Every run that polled or tried to. One row per run. No personal data."""

    run_id: str = _column("Dagster's id of the run", unique=True)
    started_at: Instant = _column("when it began")
    ended_at: Instant = _optional("when it ended; null: it is under way, or was killed")
    from_workday: dt.date = _column("first workday asked for")
    to_workday: dt.date = _column("last workday asked for")
    outcome: str = _optional(
        "new, nothing_new, partial or failed; null: under way",
        isin=["new", "nothing_new", "partial", "failed"],
    )
    notices_seen: pl.Int64 = _optional("notices of these workdays and the lookback in the answer")
    notices_new: pl.Int64 = _optional("of those, never seen before")
    detail: str = _optional("what went wrong, or was left for a person")


class Quarantine(Table):
    """What could not be understood, or contradicts itself. One row per entry. Personal data: payload.

    While an entry of a notice is open, the notice can lead to REVIEW only. Tried again by every run.
    """

    entry_id: str = _column("the same problem has the same id in every run", unique=True, str_matches=_UUID)
    uuid: str = _optional("the notice; null where none could be read")
    workday: dt.date = _optional("its workday; null where none could be read")
    reason: str = _column("what is wrong, in one word", isin=[r.value for r in QuarantineReason])
    detail: str = _column("what is wrong, in a sentence")
    payload: str = _column("what was received")
    first_seen_at: Instant = _column("when it was first seen")
    resolved_at: Instant = _optional("when it was found to be right after all; null: it is still open")


class OutboxFiles(Table):
    """Every file handed to core banking. One row per file. No personal data."""

    seq: pl.Int64 = _column("sequence number, from 1, without gap", unique=True, gt=0)
    file_id: str = _column("id of the file", unique=True, str_matches=_UUID)
    base_name: str = _column("its name without ending")
    created_at: Instant = _column("when it was committed")
    run_id: str = _column("the run that wrote it")
    sha256: str = _column("hash of the .jsonl", str_matches=_SHA256)
    prev_sha256: str = _optional("hash of the .jsonl before it; null for the first", str_matches=_SHA256)
    action_count: pl.Int64 = _column("number of action rows", ge=0)


class Receipts(Table):
    """Every receipt of core banking that was read, in each of its versions. No personal data."""

    name: str = _column("file name")
    sha256: str = _column("hash of the receipt's bytes", str_matches=_SHA256)
    read_at: Instant = _column("when it was read")
    outcome: str = _column("taken or set_aside", isin=["taken", "set_aside"])
    detail: str = _column("what it changed, or why it was set aside")


class Answers(Table):
    """Every answer of the service that was kept. One row per answer. The bytes are in the lake, named by their hash."""

    run_id: str = _column("the run that received it")
    resource: str = _column("path of the request")
    fetched_at: Instant = _column("when it was received")
    sha256: str = _column("hash of its bytes", str_matches=_SHA256)
    byte_count: pl.Int64 = _column("its size in bytes", ge=0)


class Reviews(Table):
    """What people did about REVIEW actions. One row per recorded outcome (action_id, review_no). No national identifier.

    Source: `konkurs review`. Rows are only ever added: of several for one action, the highest review_no counts.
    """

    class Config(Table.Config):
        """An outcome is recorded once under its number."""

        unique = ("action_id", "review_no")

    action_id: str = _column("the REVIEW", str_matches=_UUID)
    review_no: pl.Int64 = _column("1 for the first outcome of this action, 2 for one that corrects it, …", gt=0)
    outcome: str = _column("what was done, in one word (docs/case-officers.md)", isin=[o.value for o in ReviewOutcome])
    reviewed_at: Instant = _column("when the outcome was recorded")
    reviewed_by: str = _column("who recorded it")
    note: str = _column("what was found, and why it was so decided")


LAKE: Final[dict[str, type[Table]]] = {
    "raw_notices": RawNotices,
    "expanded_datasets": ExpandedDatasets,
    "debtors": Debtors,
    "customer_matches": CustomerMatches,
    "estates": Estates,
}
LEDGER: Final[dict[str, type[Table]]] = {
    "actions": Actions,
    "polls": Polls,
    "quarantine": Quarantine,
    "outbox_files": OutboxFiles,
    "receipts": Receipts,
    "answers": Answers,
    "reviews": Reviews,
}


@cache
def dtypes(table: type[Table]) -> dict[str, pl.DataType]:
    """Return the polars type of each column, in order."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}


def frame(table: type[Table], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build a frame of the table's types; no rows give a typed empty frame."""
    return pl.DataFrame(rows, schema=dtypes(table), orient="row")


def validated(table: type[Table], data: pl.DataFrame) -> pl.DataFrame:
    """Return `data` if it is a valid `table`; raises `StoreError` that names columns and rules, never a value."""
    if data.is_empty() and data.schema == pl.Schema(dtypes(table)):
        return data
    try:
        return table.validate(data, lazy=True)
    except SchemaErrors as error:
        broken = sorted({f"{e.schema.name}: {e.check or e.reason_code}" for e in error.schema_errors})
    except SchemaError as error:
        broken = [f"{error.schema.name}: {error.check or error.reason_code}"]
    message = f"table {table.__name__} breaks its schema and was not written ({'; '.join(broken)})"
    raise StoreError(message)
