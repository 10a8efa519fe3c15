"""Years of generated data, written directly into a store, for questions and their timing; the polls would take hours.

The notices come from the seeded generator, the product's own code folds the estates, and every table is validated. The
rest is drawn: one debtor in twenty is a customer; a poll every quarter sees a notice 10 to 50 seconds after the service
shows it and hands its actions over 1 second later; core banking answers within 10 minutes. So the times have the right
form, and nobody measured them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from konkurs_pipeline.brreg.simulator.datasets import enk_of, expanded_dataset
from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.brreg.simulator.population import random_account_no, seeded
from konkurs_pipeline.domain.estates import Estate, fold_estates
from konkurs_pipeline.domain.identifiers import IdKind, identify_all
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.schemas.tables import LAKE, frame
from konkurs_pipeline.storage.store import Store

Row = dict[str, Any]
_HASH: Final = "0" * 64
_PLACES: Final = ("FANTASIBY", "DRØMMEVIK", "SKODDESUND", "EKKODAL", "LUFTSLOTTET")
_KIND_OF: Final = {"open": "BLOCK", "deleted": "REOPEN", "revoked": "REVIEW", "closed": "INFORM"}
_SECOND: Final = dt.timedelta(seconds=1)


class MadeYears:
    """The data of one bank after polling from `first` to `last`. A seed always gives the same data."""

    def __init__(self, seed: int, first: dt.date, last: dt.date) -> None:
        self._rng = seeded(f"made {seed}")
        self._notices = generate_notices(seed, first, last)
        self._seen = {n.uuid: n.visible_from + self._rng.randint(10, 50) * _SECOND for n in self._notices}
        ids = sorted({notice.debtor_id for notice in self._notices})
        self._kinds = dict(zip(ids, identify_all(ids, synthetic_allowed=True), strict=True))
        self._customers = {debtor: f"K-{n}" for n, debtor in enumerate(ids) if self._rng.random() < 0.05}
        self._estates = fold_estates(_notice(n) for n in self._notices).estates

    def write(self, store: Store) -> None:
        """Fill an empty store and publish it."""
        made: Mapping[str, Sequence[Row]] = {
            "raw_notices": [self._raw(n) for n in self._notices],
            "expanded_datasets": [self._dataset(n) for n in self._notices if n.debtor_id in self._customers],
            "debtors": [row for n in self._notices for row in self._debtors(n)],
            "customer_matches": [self._match(n) for n in self._notices if n.debtor_id in self._customers],
            "estates": [_estate(estate) for estate in self._estates],
            "estate_versions": [row for estate in self._estates for row in self._versions(estate)],
        }
        for table, rows in made.items():
            whole = frame(LAKE[table], list(rows))
            store.lake.replace(table, set(whole["workday"]), whole)
        actions = [row for estate in self._estates for row in self._actions(estate)]
        with store.ledger.transaction():
            store.ledger.append("actions", actions)
            store.ledger.append("action_history", [row for action in actions for row in _history(action)])
            store.ledger.append("registers", list(self._registers()))
            store.ledger.append("quarantine", list(self._quarantine()))
        store.publish()

    def _raw(self, notice: SimulatedNotice) -> Row:
        return {
            "uuid": notice.uuid,
            "workday": _workday(notice),
            "type": notice.type,
            "registered_at": notice.registered_at,
            "registered_at_text": notice.registered_at_text,
            "ruling_date": notice.ruling_date,
            "debtor_id": notice.debtor_id,
            "debtor_kind": self._kinds[notice.debtor_id].value,
            "first_seen_at": self._seen[notice.uuid],
            "payload": f'{{"uuid": "{notice.uuid}", "type": "{notice.type}", "debitor": "{notice.debtor_id}"}}',
            "answer_sha256": _HASH,
            "run_id": "made",
        }

    def _dataset(self, notice: SimulatedNotice) -> Row:
        return {
            "uuid": notice.uuid,
            "workday": _workday(notice),
            "fetched_at": self._seen[notice.uuid],
            "payload": json.dumps(expanded_dataset(notice, "https://example.invalid")),
            "answer_sha256": _HASH,
            "run_id": "made",
        }

    def _debtors(self, notice: SimulatedNotice) -> Iterator[Row]:
        kind = self._kinds[notice.debtor_id]
        row = {"notice_uuid": notice.uuid, "workday": _workday(notice), "national_id": notice.debtor_id}
        row |= {"id_kind": kind.value, "role": "debtor"}
        if not kind.is_person and notice.debtor_id not in self._customers:
            yield row
            return
        place = random.Random(notice.debtor_id).choice(_PLACES)  # noqa: S311 -- generated data
        yield {**row, "name": "Oppdiktet", "postal_code": "0000", "postal_place": place}
        if kind.is_person:
            unit = {"national_id": enk_of(notice.debtor_id), "id_kind": IdKind.ORGNR.value, "role": "linked_unit"}
            yield {**row, **unit, "organisation_form": "ENK"}

    def _match(self, notice: SimulatedNotice) -> Row:
        via = "linked_unit" if self._kinds[notice.debtor_id].is_person and self._rng.random() < 0.4 else "debtor"
        return {
            "notice_uuid": notice.uuid,
            "workday": _workday(notice),
            "customer_ref": self._customers[notice.debtor_id],
            "matched_via": via,
            "national_id": enk_of(notice.debtor_id) if via == "linked_unit" else notice.debtor_id,
            "found_at": self._seen[notice.uuid],
            "register_id": _HASH,
        }

    def _versions(self, estate: Estate) -> Iterator[Row]:
        row = {**_estate(estate), "run_id": "made", "version": 1, "known_at": self._seen[estate.opening.uuid]}
        for name in ("debtor_id", "registered_at"):
            del row[name]
        yield {**row, "state": "open", "state_since": estate.opening.registered_at, "changed_by_uuid": None}
        if estate.changed_by:
            yield {**row, "version": 2, "known_at": self._seen[estate.changed_by.uuid]}

    def _actions(self, estate: Estate) -> Iterator[Row]:
        ref = self._customers.get(estate.opening.debtor_id)
        if ref is None:
            return
        account = random_account_no(seeded(f"account {ref}"))
        block = self._action("BLOCK", estate.opening, ref, account, None)
        yield block
        if self._rng.random() < 0.1:
            shared = random_account_no(seeded(f"shared {ref}"))
            yield self._action("REVIEW", estate.opening, ref, shared, None)
        if estate.changed_by:
            kind = _KIND_OF[estate.state.value]
            caused_by = block["action_id"] if kind == "REOPEN" else None
            yield self._action(kind, estate.changed_by, ref, account if kind == "REOPEN" else None, caused_by)

    def _action(self, kind: str, notice: Notice, ref: str, account: str | None, caused_by: str | None) -> Row:
        decided = self._seen[notice.uuid] + _SECOND
        is_open = kind == "REVIEW" and self._rng.random() < 0.3
        status = "exported" if is_open else "rejected" if self._rng.random() < 0.004 else "applied"
        confirmed = decided + self._rng.randint(20, 600) * _SECOND if status != "exported" else None
        return {
            "action_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{notice.uuid}|{ref}|{account or '*'}|{kind}")),
            "action": kind,
            "customer_ref": ref,
            "account_no": account,
            "notice_uuid": notice.uuid,
            "notice_type": notice.type,
            "registered_at_text": notice.registered_at_text,
            "ruling_date": notice.ruling_date,
            "matched_via": "debtor",
            "reason": "made",
            "caused_by": caused_by,
            "was_blocked": False,
            "decided_at": decided,
            "run_id": "made",
            "register_id": _register_id(decided.date().replace(day=1)),
            "status": status,
            "seq": 1,
            "exported_at": decided,
            "confirmed_at": confirmed,
        }

    def _registers(self) -> Iterator[Row]:
        months = sorted({n.registered_at.date().replace(day=1) for n in self._notices})
        for number, month in enumerate(months):
            yield {
                "register_id": _register_id(month),
                "accepted_at": dt.datetime.combine(month, dt.time(1), tzinfo=dt.UTC),
                "customer_count": 100_000 + 250 * number,
                "flagged_customer_count": 12,
                "identifier_count": 104_000 + 260 * number,
                "account_count": 161_000 + 400 * number,
                "flagged_account_count": 3,
                "run_id": "made",
            }

    def _quarantine(self) -> Iterator[Row]:
        for number, notice in enumerate(self._notices[:: max(1, len(self._notices) // 40)]):
            seen = self._seen[notice.uuid]
            yield {
                "entry_id": str(uuid.uuid5(uuid.NAMESPACE_URL, notice.uuid)),
                "uuid": notice.uuid,
                "workday": _workday(notice),
                "reason": ("changed_notice", "dataset_contradicts", "registered_in_future")[number % 3],
                "detail": "made",
                "payload": "{}",
                "first_seen_at": seen,
                "resolved_at": seen + dt.timedelta(hours=number) if number % 4 else None,
            }


def _register_id(month: dt.date) -> str:
    return hashlib.sha256(month.isoformat().encode()).hexdigest()


def _notice(made: SimulatedNotice) -> Notice:
    return Notice(made.uuid, made.type, made.registered_at, made.registered_at_text, made.ruling_date, made.debtor_id)


def _workday(notice: SimulatedNotice | Notice) -> dt.date:
    # The generator's notices all fall on workdays.
    return notice.registered_at.astimezone(OSLO).date()


def _estate(estate: Estate) -> Row:
    return {
        "debtor_id": estate.opening.debtor_id,
        "opening_uuid": estate.opening.uuid,
        "workday": _workday(estate.opening),
        "state": estate.state.value,
        "ruling_date": estate.opening.ruling_date,
        "registered_at": estate.opening.registered_at,
        "state_since": estate.state_since,
        "changed_by_uuid": estate.changed_by.uuid if estate.changed_by else None,
    }


def _history(action: Row) -> Iterator[Row]:
    row = {"action_id": action["action_id"], "version": 1, "status": "exported", "known_at": action["decided_at"]}
    yield {**row, "run_id": "made"}
    if action["status"] != "exported":
        confirmed = action["confirmed_at"]
        # Read by the poll after it.
        answer = {"known_at": confirmed + dt.timedelta(minutes=15), "reported_at": confirmed, "source": "made"}
        yield {**row, **answer, "version": 2, "status": action["status"]}
