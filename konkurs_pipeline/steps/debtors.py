"""Normalise: which parties each notice names, from the notice itself and from its dataset where there is one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from konkurs_pipeline.domain.datasets import Party, debtor_of, read_dataset
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import Debtors, frame
from konkurs_pipeline.steps.notices import NOTICE_COLUMNS, notices_of
from konkurs_pipeline.steps.poll import Poll


@dataclass(frozen=True)
class DebtorCounts:
    """How many days were written, and what in the documents was not expected (finding → in how many documents)."""

    days: int
    rows: int
    findings: Mapping[str, int]


def normalise_debtors(poll: Poll) -> DebtorCounts:
    """Write the parties of every month whose notices or datasets this poll may have changed."""
    lake = poll.store.lake
    findings: dict[str, int] = {}
    months = _stale_months(poll)
    notices = lake.read_months("raw_notices", months, columns=[*NOTICE_COLUMNS, "workday"])
    documents = dict(lake.read_months("expanded_datasets", months, columns=["uuid", "payload"]).iter_rows())
    workdays = dict(notices.select("uuid", "workday").iter_rows())
    parties = _parties(poll, notices_of(notices), documents, findings)
    rows = [_row(party, workdays[party.notice_uuid]) for party in parties]
    made = frame(Debtors, rows).sort("workday", "notice_uuid", "role", "national_id")
    days = lake.replace("debtors", {*workdays.values(), *_days_made(poll, months)}, made)
    if findings:
        poll.attention.append(f"{sum(findings.values())} findings in expanded datasets: {'; '.join(sorted(findings))}")
    return DebtorCounts(len(days), len(rows), findings)


def _stale_months(poll: Poll) -> list[dt.date]:
    """Return the months whose notices, datasets or dataset map are newer than their parties.

    Told by the files themselves, so that a poll that was killed half-way is made good by the next, whatever its days.
    """
    layout, dataset_map = poll.store.layout, poll.settings.dataset_map
    stale = []
    for month in poll.store.lake.months("raw_notices"):
        made = _written_at(layout.partition("debtors", month))
        sources = [layout.partition(table, month) for table in ("raw_notices", "expanded_datasets")]
        sources += [dataset_map] if dataset_map else []
        if made is None or any((_written_at(source) or 0) >= made for source in sources):
            stale.append(month)
    return stale


def _days_made(poll: Poll, months: Iterable[dt.date]) -> set[dt.date]:
    return set(poll.store.lake.read_months("debtors", months, columns=["workday"])["workday"])


def _written_at(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None


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
