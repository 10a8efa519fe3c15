"""Personal data has an end: what is erased, what stays, and that nothing is left or comes back."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from konkurs_pipeline.domain.retention import RetentionRule
from konkurs_pipeline.enquiries.evidence.gathering import evidence_of
from konkurs_pipeline.enquiries.evidence.proofs import Agreement
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.enquiries.party.lookup import look_up, look_up_customer
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.steps.erasure import answers, erasure
from konkurs_pipeline.steps.erasure.answers import remains_of
from konkurs_pipeline.steps.erasure.erasure import erase, plan_erasure, terms_of
from konkurs_pipeline.steps.recovery import recover_store
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.store import Store
from tests.pipeline.kit import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, CrashError, company, oslo, person

OTHER, CUSTOMER, RUNNING = person("nobody's customer"), person("a customer"), person("still bankrupt")
LATER = oslo(MONDAY, "12:00") + dt.timedelta(days=120)
MUCH_LATER = oslo(MONDAY, "12:00") + dt.timedelta(days=366 * 11)


@pytest.fixture
def lived(bank: Bank) -> Bank:
    """Return a bank that polled the endings of two bankruptcies, one of them a customer's."""
    bank.extra = {"KONKURS_LOOKBACK_WORKDAYS": "10"}
    bank.customer("K-1", CUSTOMER)
    bank.customer("K-2", company("a healthy firm"))
    for debtor in (OTHER, CUSTOMER, RUNNING):
        bank.notice("aapning", debtor, MONDAY)
    bank.poll(MONDAY)
    for debtor in (OTHER, CUSTOMER):
        bank.notice("avslutning", debtor, TUESDAY)
    bank.poll(TUESDAY)
    return bank


def erased(bank: Bank, now: dt.datetime = LATER) -> None:
    with bank.store() as store:
        erase(store, plan_erasure(store, terms_of(bank.settings), now), by="Kari", now=now)
        store.publish()
        store.discard_superseded()


def where_is(bank: Bank, text: str) -> list[str]:
    """Return the files under the data folder that hold a text, also compressed, except the bank's own register."""
    own = {bank.settings.customers, bank.settings.accounts}
    found = []
    for path in bank.folder.rglob("*"):
        if path.is_file() and path not in own and not path.is_relative_to(bank.layout.snapshots):
            content = path.read_bytes()
            content += gzip.decompress(content) if path.suffix == ".gz" else b""
            if text.encode() in content or (path.suffix == ".parquet" and text in parquet_text(path)):
                found.append(path.name)
    return found


def parquet_text(path: Path) -> str:
    return str(duckdb.execute(f"SELECT COLUMNS(*)::VARCHAR FROM read_parquet('{path}')").fetchall())  # noqa: S608 -- own file


def wrong(bank: Bank) -> list[str]:
    with bank.store(allow_untrusted=True) as store:
        return [problem for part in inspect(store) for problem in part.problems]


def test_a_case_without_a_customer_is_erased_and_the_others_stay(lived: Bank) -> None:
    assert where_is(lived, OTHER), "the search looks at the right places"
    erased(lived)
    assert where_is(lived, OTHER) == []
    assert where_is(lived, CUSTOMER)
    assert where_is(lived, RUNNING)
    assert lived.published("raw_notices").height == 3
    kept = lived.published("erased_notices")
    assert sorted(kept["type"]) == ["aapning", "avslutning"]
    assert set(kept["rule"]) == {"others"}
    assert wrong(lived) == []


def test_a_customers_case_is_erased_after_its_years_and_not_before(lived: Bank) -> None:
    erased(lived, oslo(TUESDAY, "09:00").replace(year=TUESDAY.year + 10))
    assert where_is(lived, CUSTOMER)
    erased(lived, MUCH_LATER)
    assert where_is(lived, CUSTOMER) == []
    assert where_is(lived, RUNNING)
    assert lived.published("actions").height == len(lived.all_actions()), (
        "the outbox and its actions hold no identifier"
    )
    assert wrong(lived) == []


def test_an_erasure_is_recorded_with_its_counts(lived: Bank) -> None:
    erased(lived)
    (row,) = lived.published("erasures").to_dicts()
    assert (row["rule"], row["case_count"], row["notice_count"], row["document_count"]) == (
        RetentionRule.OTHERS,
        1,
        2,
        2,
    )
    assert (row["erased_by"], row["started_at"], row["finished_at"]) == ("Kari", LATER, LATER)


def test_an_erased_notice_is_not_stored_again(lived: Bank) -> None:
    erased(lived)
    polled = lived.poll(WEDNESDAY)
    assert (polled.outcome, polled.actions) == ("nothing_new", [])
    assert where_is(lived, OTHER) == []
    assert lived.published("raw_notices").height == 3
    assert wrong(lived) == []


@pytest.mark.parametrize("kind", ["sletting", "avslutning", "oppheving"])
def test_a_late_notice_for_an_erased_debtor_is_recorded_and_leads_to_no_row(lived: Bank, kind: str) -> None:
    erased(lived)
    lived.customer("K-3", OTHER)
    lived.notice(kind, OTHER, WEDNESDAY)
    polled = lived.poll(WEDNESDAY)
    assert (polled.actions, polled.detail) == ([], None)
    assert lived.published("erased_notices").filter(lived.published("erased_notices")["rule"] == "late").height == 1
    assert where_is(lived, OTHER) == []
    assert lived.poll(THURSDAY).actions == []


@pytest.mark.parametrize("kind", ["sletting", "avslutning", "oppheving"])
def test_a_notice_of_a_debtor_that_was_never_erased_is_kept(lived: Bank, kind: str) -> None:
    erased(lived)
    notice = lived.notice(kind, company("an unknown firm"), WEDNESDAY)
    lived.poll(WEDNESDAY)
    assert notice.uuid in lived.published("raw_notices")["uuid"]
    assert "late" not in lived.published("erased_notices")["rule"]


def test_a_new_opening_of_an_erased_debtor_counts(lived: Bank) -> None:
    erased(lived)
    lived.customer("K-3", OTHER)
    lived.notice("aapning", OTHER, WEDNESDAY)
    assert [a["customer_ref"] for a in lived.poll(WEDNESDAY).of("BLOCK")] == ["K-3"]


def crash(*_: object, **__: object) -> None:
    raise CrashError


BOUNDARIES: list[tuple[object, str]] = [
    (erasure, "_sweep"),
    (erasure, "_sweep_table"),
    (erasure, "sweep_answers"),
    (answers, "remains_of"),
    (erasures, "erase_answers"),
    (Store, "discard_superseded"),
    (Ledger, "rewrite"),
    (erasures, "finish"),
]


@pytest.mark.parametrize(("room", "name"), BOUNDARIES, ids=[name for _, name in BOUNDARIES])
@pytest.mark.parametrize("finisher", [pytest.param("a poll", marks=pytest.mark.long), "the next erasure"])
def test_the_next_run_finishes_a_killed_erasure(
    lived: Bank, monkeypatch: pytest.MonkeyPatch, room: object, name: str, finisher: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(room, name, crash)
        with pytest.raises(CrashError):
            erased(lived)
    if finisher == "a poll":
        assert lived.poll(WEDNESDAY).actions == []
    erased(lived)
    assert where_is(lived, OTHER) == []
    assert wrong(lived) == []
    assert lived.published("erasures")["finished_at"].null_count() == 0


@pytest.mark.parametrize("polled_since", [True, False], ids=["polled since", "not polled since"])
def test_an_old_ledger_put_back_brings_nothing_erased_back(lived: Bank, tmp_path: Path, *, polled_since: bool) -> None:
    folder = lived.layout.ledger.parent
    copy = shutil.copytree(folder, tmp_path / "copy")
    erased(lived)
    recorded = lived.published("erasures")["erasure_id"].to_list()
    if polled_since:
        lived.poll(WEDNESDAY)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    assert "konkurs recover" in str(lived.try_poll(THURSDAY))
    assert any("it lacks erasures" in problem for problem in wrong(lived))
    with lived.store(allow_untrusted=True) as store:
        done = recover_store(store, lived.settings, by="Kari", reason="disk", now=LATER)
    assert done.erasures == 1
    assert lived.published("erasures")["erasure_id"].to_list() == recorded
    assert where_is(lived, OTHER) == []
    assert lived.poll(THURSDAY).actions == []
    assert where_is(lived, OTHER) == []
    assert wrong(lived) == []


def test_a_copy_of_the_whole_folder_is_erased_again(lived: Bank, tmp_path: Path) -> None:
    copy = shutil.copytree(lived.folder, tmp_path / "copy")
    erased(lived)
    shutil.rmtree(lived.folder)
    shutil.copytree(copy, lived.folder)
    assert where_is(lived, OTHER)
    erased(lived)
    assert where_is(lived, OTHER) == []
    assert wrong(lived) == []


def test_a_plan_of_an_erasure_names_what_stays_and_why(lived: Bank) -> None:
    with lived.store() as store:
        plan = plan_erasure(store, terms_of(lived.settings), LATER)
    assert {rule: len(cases) for rule, cases in plan.due.items()} == {RetentionRule.OTHERS: 1}
    assert plan.kept == {"open, or in quarantine": 1, "ended, rule customers": 1}
    assert where_is(lived, OTHER), "a plan erases nothing"


def test_a_register_that_no_kept_decision_used_is_removed(lived: Bank) -> None:
    lived.customer("K-9", company("new"))
    lived.poll(WEDNESDAY)
    lived.customer("K-10", company("newer"))
    lived.poll(THURSDAY)
    with lived.store() as store:
        before = store.snapshots.ids()
    erased(lived, MUCH_LATER)
    with lived.store() as store:
        assert len(before) == 3
        assert store.snapshots.ids() == [store.snapshots.current().id]  # type: ignore[union-attr]


# Reports about erased parts


def test_verify_reports_what_was_erased(lived: Bank) -> None:
    erased(lived)
    with lived.store(allow_untrusted=True) as store:
        erased_parts = {part.part: part.erased for part in inspect(store) if part.erased}
    assert erased_parts == {
        "answers": "4 answers hold less than was received: erased by the retention rules, the last on 2019-01-01",
        "lake": "2 notices are gone: erased by the retention rules, the last on 2019-01-01",
    }


def test_the_evidence_of_a_kept_case_reports_what_its_answers_lost(lived: Bank) -> None:
    (opening,) = (n for n in lived.notices if n.debtor_id == CUSTOMER and n.type == "aapning")
    before = evidence_of(lived.settings, opening.uuid, LATER)
    erased(lived)
    after = evidence_of(lived.settings, opening.uuid, LATER)
    assert [notice.sighting for notice in after.notices] == [notice.sighting for notice in before.notices]
    assert {proof.agreement for proof in after.proofs} == {Agreement.AGREES}
    lists = [proof for proof in after.proofs if "first list" in proof.what]
    assert lists
    assert all("erased on 2019-01-01" in proof.what for proof in lists)


def test_the_evidence_of_an_erased_case_reports_the_erasure(lived: Bank) -> None:
    block = next(action for action in lived.all_actions() if action["action"] == "BLOCK")
    erased(lived, MUCH_LATER)
    for asked_for in (block["notice_uuid"], block["action_id"]):
        with pytest.raises(UsageError, match="was erased on 2029-"):
            evidence_of(lived.settings, asked_for, MUCH_LATER)


# What an answer keeps


def test_a_list_keeps_the_notices_it_held_first_and_the_uuids_of_the_others() -> None:
    first, again, unread = (
        {"uuid": "A" * 8 + "-1111-4111-8111-111111111111", "debitor": "1"},
        {"uuid": "b" * 8 + "-1111-4111-8111-111111111111"},
        {"debitor": "3"},
    )
    body = json.dumps(
        {"_embedded": {"konkursvarsler": [first, {**again, "debitor": "2"}, unread]}, "extra": "4", "_links": {}}
    )
    remains = json.loads(remains_of(body.encode(), {first["uuid"].lower()}) or b"")
    assert remains == {"_embedded": {"konkursvarsler": [first, again, {}]}, "_links": {}}


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"", b"\xff\xfe\x00", b"[" * 100_000])
def test_nothing_of_an_unreadable_list_is_kept(body: bytes) -> None:
    assert remains_of(body, {"a"}) is None


def test_an_empty_list_is_kept_unchanged() -> None:
    body = b'{ "_links": {"self": {"href": "/"}}}'
    assert remains_of(body, set()) == body


def test_an_as_of_answer_reports_that_something_was_erased(lived: Bank) -> None:
    erased(lived, MUCH_LATER)
    lived.poll(WEDNESDAY)
    found = look_up(lived.layout, OTHER, MUCH_LATER)
    assert (found.notices, found.erased_since) == ([], {"notice_count": 4, "last_at": "2029-09-11T10:00:00.000Z"})
    customer = look_up_customer(lived.layout, "K-1", MUCH_LATER)
    assert customer is not None
    assert [one["type"] for one in customer.erased_notices] == ["aapning", "avslutning"]
    assert {action["action"] for action in customer.actions} == {"BLOCK", "INFORM"}
