"""Gathers the evidence of one case: when each thing was known and done, from which bytes, by which rule and register.

It reads without the lock, as an analyst does. So it works while a run is under way. It names notices, customers and
accounts, never a national identifier. What does not belong here: what the facts are (facts), the steps in time (clock),
the page (page).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.actions.reasons import sentence_of
from konkurs_pipeline.domain.actions.rows import ActionKind
from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.enquiries.evidence.cases import CaseNotices, case_of
from konkurs_pipeline.enquiries.evidence.facts import (
    ActionFacts,
    Case,
    EnforcementFacts,
    FileFacts,
    MatchFacts,
    NoticeFacts,
    PollFacts,
    QuarantineFacts,
    ReceiptFacts,
    RegisterFacts,
)
from konkurs_pipeline.enquiries.evidence.proofs import FileVerifier, Proof
from konkurs_pipeline.enquiries.evidence.sightings import ListAnswer, Sightings
from konkurs_pipeline.enquiries.worklists.reviews import outcomes_by_action
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX, Outbox
from konkurs_pipeline.storage.handoff.outbox_format import header_of
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

_ACTION_FIELDS: Final = (
    *("action_id", "action", "customer_ref", "account_no", "notice_uuid", "reason", "matched_via", "caused_by"),
    *("was_blocked", "decided_at", "run_id", "register_id", "status", "seq", "exported_at", "confirmed_at"),
    *("released_at", "released_by", "release_reason", "void_reason"),
)


def evidence_of(settings: Settings, asked_for: str, now: dt.datetime) -> Case:
    """Gather the evidence of the case that a notice (uuid) or an action (action_id) belongs to.

    Raises `UsageError` if the store knows neither, `StoreError` when a table is damaged.
    """
    layout = layout_of(settings)
    published = Published(layout)
    notice_uuid = _notice_of(published, asked_for)
    case = case_of(published, notice_uuid)
    if case is None:
        raise UsageError(_erased(published, notice_uuid) or _nothing_known(published, asked_for))
    uuids = [notice.uuid for notice in case.notices]
    notices, matches = _notices(published, layout, case), _matches(published, uuids)
    actions = _actions(published, uuids)
    all_files = published.read("outbox_files").sort("seq").to_dicts()
    numbers = {action.seq for action in actions} | {_first_after(all_files, notice.taken_at) for notice in notices}
    outbox = Outbox(layout.outbox, settings.bank_id, settings.environment.value)
    files = tuple(_file(published, outbox, row) for row in all_files if row["seq"] in numbers)
    newest = _file(published, outbox, all_files[-1]) if all_files else None
    registers = _registers(published, matches, actions, (*files, *([newest] if newest else [])))
    return Case(
        asked_for=asked_for,
        made_at=now,
        environment=settings.environment.value,
        bank_id=settings.bank_id,
        opening_uuid=case.opening_uuid,
        state=case.state,
        notices=notices,
        others=tuple((other.uuid, shown(other.type), other.registered_at_text) for other in case.others),
        matches=matches,
        actions=actions,
        enforcement=_enforcement(published, actions),
        files=files,
        newest_file=newest,
        registers=registers,
        quarantine=_quarantine(published, uuids),
        polls=_polls(published, notices, actions, files),
        proofs=tuple(_proofs(FileVerifier(layout, published), notices, files, registers)),
    )


def _notice_of(published: Published, asked_for: str) -> str:
    found = published.read("actions").filter(pl.col("action_id") == asked_for)["notice_uuid"]
    return asked_for if found.is_empty() else str(found[0])


def _erased(published: Published, notice_uuid: str) -> str | None:
    rows = published.read("erased_notices").filter(pl.col("uuid") == notice_uuid)
    for kind, at, rule in rows.select("type", "erased_at", "rule").iter_rows():
        return (
            f"the {kind} {notice_uuid} was erased on {at:%Y-%m-%d}, rule {rule}: there is no evidence of it any more. What "
            "stays of it is in the views `erased_notices` and `actions`"
        )
    return None


def _nothing_known(published: Published, asked_for: str) -> str:
    if not published.read("quarantine").filter(pl.col("uuid") == asked_for).is_empty():
        return f"{asked_for} could not be read as a notice: see the view `quarantine` in konkurs.duckdb"
    return f"the store knows no notice and no action {asked_for}: `konkurs lookup` and `konkurs reviews` name them"


def _notices(published: Published, layout: Layout, case: CaseNotices) -> tuple[NoticeFacts, ...]:
    uuids = [notice.uuid for notice in case.notices]
    raw = {row["uuid"]: row for row in _among(published, "raw_notices", "uuid", uuids)}
    datasets = {row["uuid"]: row for row in _among(published, "expanded_datasets", "uuid", uuids)}
    sightings, documents = Sightings(published, Lake(layout)), _documents(published, uuids)
    return tuple(
        NoticeFacts(
            **_as_listed(notice, raw[notice.uuid]),
            sighting=sightings.of(notice, raw[notice.uuid]["first_seen_at"]),
            dataset_fetched_at=datasets.get(notice.uuid, {}).get("fetched_at"),
            dataset_sha256=datasets.get(notice.uuid, {}).get("answer_sha256"),
            documents_sha256=tuple(documents[notice.uuid]),
        )
        for notice in case.notices
    )


def _documents(published: Published, uuids: Sequence[str]) -> dict[str, list[str]]:
    answers = published.read("answers").sort("fetched_at")
    found = {uuid: answers.filter(pl.col("resource").str.ends_with(f"/{uuid}")) for uuid in uuids}
    return {uuid: rows["sha256"].unique(maintain_order=True).to_list() for uuid, rows in found.items()}


def _as_listed(notice: Notice, raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": notice.uuid,
        "type": shown(notice.type),
        "registered_at": notice.registered_at,
        "registered_at_text": notice.registered_at_text,
        "ruling_date": notice.ruling_date,
        "taken_at": raw["first_seen_at"],
        "taken_by_run": raw["run_id"],
        "answer_sha256": raw["answer_sha256"],
    }


def _matches(published: Published, uuids: Sequence[str]) -> tuple[MatchFacts, ...]:
    fields = ("notice_uuid", "customer_ref", "matched_via", "doubt", "found_at", "register_id")
    rows = _among(published, "customer_matches", "notice_uuid", uuids)
    return tuple(MatchFacts(*(row[name] for name in fields)) for row in rows)


def _actions(published: Published, uuids: Sequence[str]) -> tuple[ActionFacts, ...]:
    rows = _among(published, "actions", "notice_uuid", uuids)
    kinds = [kind.value for kind in ActionKind]
    rows.sort(key=lambda r: (r["decided_at"], kinds.index(r["action"]), r["customer_ref"], r["account_no"] or ""))
    outcomes = outcomes_by_action(published)
    return tuple(
        ActionFacts(
            **{name: row[name] for name in _ACTION_FIELDS},
            # This is core banking's own text: it may hold an identifier, and the page must not.
            status_code=redact(row["status_code"]) if row["status_code"] else None,
            sentence=sentence_of(row["reason"]),
            outcomes=outcomes.get(row["action_id"], ()),
        )
        for row in rows
    )


def _enforcement(published: Published, actions: Sequence[ActionFacts]) -> tuple[EnforcementFacts, ...]:
    """Return what became of the actions on accounts, in the order of the actions."""
    rows = _among(published, "enforcement", "action_id", [action.action_id for action in actions])
    found = {row["action_id"]: EnforcementFacts(**row) for row in rows}
    return tuple(found[action.action_id] for action in actions if action.action_id in found)


def _first_after(files: Sequence[dict[str, Any]], taken_at: dt.datetime) -> int | None:
    """Return the number of the first file after a notice was taken: it shows what was decided about it, if anything."""
    return next((file["seq"] for file in files if file["created_at"] >= taken_at), None)


def _file(published: Published, outbox: Outbox, row: dict[str, Any]) -> FileFacts:
    try:
        register_id = header_of(outbox.jsonl_of(row["base_name"])).register_sha256
    except (StoreError, ValueError, KeyError):
        # Core banking may have removed the file, or somebody changed it: the proofs say which.
        register_id = None
    receipts = published.read("receipts").filter(
        (pl.col("name") == row["base_name"] + RECEIPT_SUFFIX) & (pl.col("outcome") == "taken")
    )
    named = receipts.sort("read_at").select("name", "sha256", "read_at", "detail")
    return FileFacts(
        **{name: row[name] for name in ("seq", "base_name", "created_at", "run_id", "sha256", "prev_sha256")},
        action_count=row["action_count"],
        register_id=register_id,
        receipts=tuple(ReceiptFacts(*receipt) for receipt in named.iter_rows()),
    )


def _registers(
    published: Published, matches: Sequence[MatchFacts], actions: Sequence[ActionFacts], files: Sequence[FileFacts]
) -> tuple[RegisterFacts, ...]:
    """Return the registers that were used; those whose time is known come first."""
    named = {match.register_id for match in matches} | {action.register_id for action in actions}
    named |= {file.register_id for file in files}
    found = [_register(published, register_id) for register_id in sorted(filter(None, named))]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return tuple(sorted(found, key=lambda register: register.accepted_at or never))


def _register(published: Published, register_id: str) -> RegisterFacts:
    """Return when a register was first accepted, and how large it is."""
    found = published.read("registers").filter(pl.col("register_id") == register_id).sort("accepted_at")
    if found.is_empty():
        return RegisterFacts(register_id, None, None, None)
    first = found.row(0, named=True)
    return RegisterFacts(register_id, first["accepted_at"], first["customer_count"], first["account_count"])


def _quarantine(published: Published, uuids: Sequence[str]) -> tuple[QuarantineFacts, ...]:
    rows = sorted(_among(published, "quarantine", "uuid", uuids), key=lambda row: row["first_seen_at"])
    return tuple(
        QuarantineFacts(
            row["uuid"], row["reason"], sentence_of(row["reason"]), row["first_seen_at"], row["resolved_at"]
        )
        for row in rows
    )


def _polls(
    published: Published, notices: Sequence[NoticeFacts], actions: Sequence[ActionFacts], files: Sequence[FileFacts]
) -> tuple[PollFacts, ...]:
    runs = {notice.taken_by_run for notice in notices} | {action.run_id for action in actions}
    runs |= {file.run_id for file in files} | {look.run_id for look in _looks(notices)}
    fields = ("run_id", "started_at", "ended_at", "from_workday", "to_workday", "outcome")
    rows = sorted(_among(published, "polls", "run_id", sorted(runs)), key=lambda row: row["started_at"])
    return tuple(PollFacts(*(row[name] for name in fields)) for row in rows)


def _looks(notices: Sequence[NoticeFacts]) -> Iterator[ListAnswer]:
    for notice in notices:
        yield from filter(None, (notice.sighting.without, notice.sighting.held))


def _proofs(
    verifier: FileVerifier,
    notices: Sequence[NoticeFacts],
    files: Sequence[FileFacts],
    registers: Sequence[RegisterFacts],
) -> Iterator[Proof]:
    answers: dict[str, str] = {}
    for notice in notices:
        short = f"{notice.type} {notice.uuid[:8]}"
        without, held = notice.sighting.without, notice.sighting.held
        if without:
            answers.setdefault(without.sha256, f"the last list without {short}")
        answers.setdefault(held.sha256 if held else notice.answer_sha256, f"the first list with {short}")
        for digest in notice.documents_sha256:
            is_used = digest == notice.dataset_sha256
            answers.setdefault(digest, f"the document of {short}" + ("" if is_used else ", set aside"))
    yield from (verifier.answer(what, digest) for digest, what in answers.items())
    for file in files:
        yield verifier.outbox_file(f"file {file.seq} for core banking", file.base_name, file.sha256)
        for receipt in file.receipts:
            yield verifier.receipt(f"core banking's receipt for file {file.seq}", receipt.name, receipt.sha256)
    for register in registers:
        yield from verifier.register(f"register {register.register_id[:8]}", register.register_id)


def _among(published: Published, table: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
    return published.read(table).filter(pl.col(column).is_in(list(values))).to_dicts()
