"""Normalise: which parties each notice names, from the notice itself and from its dataset if there is one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from konkurs_pipeline.domain.documents.datasets import Party, debtor_of, read_dataset
from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, Notice, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import Debtors, frame
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation


@dataclass(frozen=True)
class DebtorCounts:
    """How many days were written, and the findings about documents (finding → in how many documents)."""

    days: int
    rows: int
    findings: Mapping[str, int]


def normalise_debtors(poll: Poll) -> DebtorCounts:
    """Write the parties of every notice of the months whose notices or datasets changed."""
    lake = poll.store.lake
    findings: dict[str, int] = {}
    made = Derivation(lake, "debtors", ["raw_notices", "expanded_datasets"], _other_inputs(poll))
    months = made.stale_months()
    notices = lake.read_months("raw_notices", months, columns=[*NOTICE_COLUMNS, "workday"])
    documents = dict(lake.read_months("expanded_datasets", months, columns=["uuid", "payload"]).iter_rows())
    workdays = dict(notices.select("uuid", "workday").iter_rows())
    parties = _parties(poll, notices_of(notices), documents, findings)
    rows = frame(Debtors, [_row(party, workdays[party.notice_uuid]) for party in parties])
    before = lake.read_months("debtors", months, columns=["workday"])
    whole = rows.sort("workday", "notice_uuid", "role", "national_id")
    days = lake.replace("debtors", {*workdays.values(), *before["workday"]}, whole)
    made.note()
    if findings:
        message = f"{sum(findings.values())} findings in expanded datasets: {'; '.join(sorted(findings))}"
        poll.report(IssueCode.DATASETS_NOT_AS_DOCUMENTED, message)
    return DebtorCounts(len(days), rows.height, findings)


def _other_inputs(poll: Poll) -> list[object]:
    """Return the other inputs of reading a document: where its fields stand, and which identifiers count."""
    return [sorted((name, tuple(paths)) for name, paths in poll.fields.paths.items()), poll.settings.synthetic_allowed]


def _parties(
    poll: Poll, notices: Iterable[Notice], documents: Mapping[str, str], findings: dict[str, int]
) -> Iterable[Party]:
    synthetic_allowed = poll.settings.synthetic_allowed
    for notice in notices:
        if notice.uuid not in documents:
            yield debtor_of(notice, synthetic_allowed=synthetic_allowed)
            continue
        document = json.loads(documents[notice.uuid])
        reading = read_dataset(notice, document, poll.fields, synthetic_allowed=synthetic_allowed)
        for finding in reading.findings:
            findings[redact(finding)] = findings.get(redact(finding), 0) + 1
        yield from reading.parties


def _row(party: Party, workday: dt.date) -> dict[str, Any]:
    return {
        "notice_uuid": party.notice_uuid,
        "workday": workday,
        "national_id": party.national_id,
        "id_kind": party.id_kind.value,
        "role": party.role.value,
        "name": party.name,
        "organisation_form": party.organisation_form,
        "postal_code": party.postal_code,
        "postal_place": party.postal_place,
    }
