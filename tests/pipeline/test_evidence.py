"""The evidence of a case: what was known when, by which bytes, and what the page shows, for any text in the data."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.enquiries.evidence.clock import clock_of
from konkurs_pipeline.enquiries.evidence.facts import Case, NoticeFacts
from konkurs_pipeline.enquiries.evidence.gathering import evidence_of
from konkurs_pipeline.enquiries.evidence.page import page_of
from konkurs_pipeline.enquiries.evidence.proofs import Agreement
from konkurs_pipeline.enquiries.evidence.summary import summary_of
from konkurs_pipeline.enquiries.times import span_text
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.storage.handoff.reviews import record_outcome
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company, oslo, person, records

HOSTILE = '<script>alert("K")</script>&\u202e'
FIRM, STRANGER, LATE = company("firm"), person("stranger"), company("late")


class Story:
    """A firm blocked and, two days later, reopened and reviewed; a person who is no customer; core banking answers."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        bank.customer(HOSTILE, FIRM)
        bank.account(HOSTILE, "co_owner")
        bank.poll(MONDAY, now=oslo(MONDAY, "08:00"))
        self.opening = bank.notice("aapning", FIRM, clock="09:00", visible_from=oslo(MONDAY, "12:00"))
        self.stranger = bank.notice("aapning", STRANGER, clock="11:00", visible_from=oslo(MONDAY, "12:00"))
        bank.poll(MONDAY, now=oslo(MONDAY, "10:00"))
        bank.poll(MONDAY)
        _answer(bank, f"E17<b>{STRANGER}")
        bank.poll(TUESDAY)
        self.sletting = bank.notice("sletting", FIRM, WEDNESDAY)
        bank.poll(WEDNESDAY)
        (self.review,) = bank.published("actions").filter(action="REVIEW", notice_uuid=self.opening.uuid)["action_id"]
        with bank.store() as store:
            outcome = ReviewOutcome.OTHER
            record_outcome(store.ledger, self.review, outcome, by="<Kari>", note="asked the court", now=utc_now())
            store.publish()

    def case(self, asked_for: str | None = None) -> Case:
        return evidence_of(self.bank.settings, asked_for or self.opening.uuid, utc_now())


def _answer(bank: Bank, code: str) -> None:
    """Let core banking take the newest file and carry out its actions."""
    path = bank.shown()[-1]
    header, *rows, _ = records(path)
    actions = [
        {"action_id": row["action_id"], "status": "APPLIED", "code": code, "at": utc_now().isoformat()} for row in rows
    ]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    receipt = {"schema": "konkurs-receipt/1", "file_id": header["file_id"], "sha256": digest, "status": "RECEIVED"}
    content = json.dumps({**receipt, "actions": actions})
    (bank.settings.receipts_dir / f"{path.stem}.receipt.json").write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def story(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(new_bank(tmp_path_factory.mktemp("evidence") / "data"))


def steps(case: Case, notice: NoticeFacts) -> list[str]:
    return [step.name for step in clock_of(case, notice)]


def test_any_notice_of_a_case_gives_the_opening_with_all_its_changes(story: Story) -> None:
    whole = story.case()
    assert [notice.uuid for notice in whole.notices] == [story.opening.uuid, story.sletting.uuid]
    assert (whole.opening_uuid, whole.state) == (story.opening.uuid, "deleted")
    assert [action.action for action in whole.actions] == ["BLOCK", "REVIEW", "REOPEN", "REVIEW"]
    for other in (story.sletting.uuid, story.review):
        assert story.case(other).notices == whole.notices


def test_the_clock_runs_from_the_registration_to_core_banking_s_answer_and_the_review(story: Story) -> None:
    case = story.case()
    opening, sletting = case.notices
    sequence = steps(case, opening)
    assert sequence[:6] == ["registered", "not yet visible", "visible to us", "fetched", "decided", "written"]
    assert sequence[6:] == ["carried out", "received", "reviewed"]
    assert steps(case, sletting)[-2:] == ["decided", "written"], "core banking has not answered yet"
    clock = clock_of(case, opening)
    assert clock[0].since_before is None
    assert all(after.since_before == after.at - before.at for before, after in pairwise(clock))
    (file,) = [file for file in case.files if file.seq == case.actions[0].seq]
    assert [step.proof for step in clock if step.name == "written"] == [f"sha256 {file.sha256}"]


def test_the_last_list_without_the_notice_and_the_first_with_it_are_found_in_the_bytes_received(story: Story) -> None:
    """Monday's poll of 10:00 covers 09:00 and lacks the notice. The one of 08:00 is older, and Tuesday's list comes later."""
    lists = story.bank.published("answers").filter(pl.col("resource").str.contains("oppdatert")).sort("fetched_at")
    sighting = story.case().notices[0].sighting
    assert sighting.without is not None
    assert sighting.held is not None
    assert [sighting.without.at, sighting.held.at] == lists["fetched_at"].to_list()[1:3]
    assert [sighting.without.sha256, sighting.held.sha256] == lists["sha256"].to_list()[1:3]


def test_a_notice_that_waited_for_its_own_run_is_known_from_its_first_answer(bank: Bank) -> None:
    bank.customer("K-1", LATE)
    waiting = bank.notice("aapning", LATE, WEDNESDAY)
    bank.poll(MONDAY, now=oslo(WEDNESDAY, "12:00"))
    bank.poll(WEDNESDAY)
    case = evidence_of(bank.settings, waiting.uuid, utc_now())
    first, second = bank.published("answers").sort("fetched_at")["fetched_at"][:2]
    (notice,) = case.notices
    assert notice.sighting.held is not None
    assert (notice.sighting.held.at, notice.taken_at) == (first, second)
    assert steps(case, notice)[:3] == ["registered", "visible to us", "taken"]


def test_a_list_that_a_failed_poll_read_in_part_is_no_evidence_of_absence(bank: Bank) -> None:
    bank.customer("K-1", LATE)
    bank.poll(MONDAY)
    notice = bank.notice("aapning", LATE)
    bank.poll(MONDAY)
    assert evidence_of(bank.settings, notice.uuid, utc_now()).notices[0].sighting.without is not None
    with bank.store() as store:
        store.ledger.execute("UPDATE polls SET outcome = 'failed' WHERE run_id = 'run-1'")
        store.publish()
    assert evidence_of(bank.settings, notice.uuid, utc_now()).notices[0].sighting.without is None


def test_a_list_from_a_later_time_than_the_notice_is_no_evidence_of_absence(bank: Bank) -> None:
    bank.extra["KONKURS_LOOKBACK_WORKDAYS"] = "0"
    bank.customer("K-1", LATE)
    notice = bank.notice("aapning", LATE)
    bank.poll(WEDNESDAY)
    bank.poll(MONDAY, now=oslo(WEDNESDAY, "23:59"))
    (found,) = evidence_of(bank.settings, notice.uuid, utc_now()).notices
    assert found.sighting.without is None


def test_of_the_lists_long_before_a_notice_only_the_last_is_read(story: Story, bank: Bank) -> None:
    """The lists of ten years of polls all began before the notice. They are not read again."""
    bank.go_on_from(story.bank)
    for path in bank.layout.answers.rglob("*.gz"):
        path.unlink()
    with bank.store() as store:
        long_ago, late = oslo(MONDAY, "08:00"), dt.timedelta(days=9)
        store.ledger.execute("UPDATE answers SET fetched_at = ? WHERE resource LIKE '%oppdatert%'", [long_ago - late])
        store.publish()
    assert evidence_of(bank.settings, story.opening.uuid, utc_now()).notices[0].sighting.unreadable == 1


def test_a_bankruptcy_that_ended_before_the_first_poll_is_named_as_such(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    opening = bank.notice("aapning", FIRM)
    bank.notice("sletting", FIRM, TUESDAY)
    bank.poll(MONDAY, TUESDAY)
    (*_, sentence) = summary_of(evidence_of(bank.settings, opening.uuid, utc_now()))
    assert sentence.startswith("It concerns the customer K-1. Nothing was written")


def test_a_case_without_a_customer_names_the_compared_register(story: Story) -> None:
    case = story.case(story.stranger.uuid)
    assert (case.matches, case.actions) == ((), ())
    (register,) = case.registers
    assert (register.customers, register.accounts) == (1, 2)
    sentences = " ".join(summary_of(case))
    assert "No customer of the bank was found" in sentences
    assert f"register {register.register_id[:8]}" in sentences
    assert case.newest_file is not None
    assert f"in the newest file, {case.newest_file.seq} of" in sentences
    assert len(case.files) == 1, "the first file after the notice has no row for it"


def test_the_page_escapes_foreign_text_and_loads_nothing(story: Story) -> None:
    page = page_of(story.case())
    parsed = _Parsed()
    parsed.feed(page)
    assert parsed.tags.isdisjoint({"script", "link", "img", "iframe", "object", "b", "kari"})
    assert parsed.unclosed == []
    assert not re.search(r"https?:|url\(|@import|\son\w+=", page)
    text = "".join(parsed.text)
    assert HOSTILE.replace("\u202e", "\ufffd") in text
    assert "\u202e" not in page
    assert "code E17<b>" in text
    assert "<Kari>" in text


class _Parsed(HTMLParser):
    """A page as a browser parses it: its elements, its text, and elements left open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)
        if tag != "meta":
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_each_account_is_shown_with_action_answer_and_register(story: Story, bank: Bank) -> None:
    bank.go_on_from(story.bank)
    case = evidence_of(bank.settings, story.opening.uuid, utc_now())
    assert [(one.action, one.status, one.holds) for one in case.enforcement] == [
        ("BLOCK", "applied", None),
        ("REOPEN", "exported", None),
    ]
    assert "nothing yet" in page_of(case)
    with bank.store() as store:
        store.ledger.execute(
            "UPDATE enforcement SET register_says_blocked = false, holds = false WHERE action = 'BLOCK'"
        )
        store.publish()
    case = evidence_of(bank.settings, story.opening.uuid, utc_now())
    page = page_of(case)
    assert '<span class="differs">NO</span>' in page
    assert [line for line in summary_of(case) if "is not in force" in line and "says not blocked" in line] != []
    assert "not blocked; accepted" in page
    assert "Whether it holds" not in page_of(story.case(story.stranger.uuid)), "there was no action on an account"


def test_no_number_of_a_party_stands_in_the_evidence(story: Story) -> None:
    """Also not one that core banking put into its code."""
    for asked_for in (story.opening.uuid, story.stranger.uuid):
        case = story.case(asked_for)
        for number in (FIRM, STRANGER):
            assert number not in page_of(case)
            assert number not in str(case)


def test_the_page_shows_whether_each_file_still_has_its_hash(story: Story, bank: Bank) -> None:
    bank.go_on_from(story.bank)
    before = evidence_of(bank.settings, story.opening.uuid, utc_now())
    assert {proof.agreement for proof in before.proofs} == {Agreement.AGREES}
    first, second = (file.base_name for file in before.files)
    (bank.settings.outbox_dir / f"{first}.jsonl").unlink()
    (bank.settings.outbox_dir / f"{second}.jsonl").write_bytes(b"{}")
    held = before.notices[0].sighting.held
    assert held is not None
    next(bank.layout.answers.rglob(f"{held.sha256}.json.gz")).write_bytes(b"")
    after = evidence_of(bank.settings, story.opening.uuid, utc_now())
    sequence = {proof.sha256: proof.agreement for proof in after.proofs}
    assert sequence[before.files[0].sha256] is Agreement.NOT_FOUND
    assert sequence[before.files[1].sha256] is Agreement.DIFFERS
    assert after.notices[0].sighting.unreadable == 1
    assert sequence[after.notices[0].answer_sha256] is Agreement.DIFFERS
    assert "could not be searched" in page_of(after)


def test_a_held_block_is_shown_with_who_released_it_and_a_quarantined_notice_with_its_reason(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.customer("K-2", LATE)
    odd, opening = bank.notice("gjenaapning", FIRM), bank.notice("aapning", LATE)
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    bank.poll(MONDAY)
    held = evidence_of(bank.settings, opening.uuid, utc_now())
    assert "1 BLOCK was held back and not written" in " ".join(summary_of(held))
    assert "written" not in steps(held, held.notices[0])
    strange = evidence_of(bank.settings, odd.uuid, utc_now())
    assert (strange.opening_uuid, strange.state, [q.reason for q in strange.quarantine]) == (
        None,
        None,
        ["unknown_type"],
    )
    assert "What was wrong with the notices" in page_of(strange)
    with bank.store() as store:
        store.ledger.execute("UPDATE actions SET released_at = decided_at, released_by = 'Kari', release_reason = 'ok'")
        store.publish()
    bank.poll(TUESDAY)
    released = evidence_of(bank.settings, opening.uuid, utc_now())
    assert {"released", "written"} <= set(steps(released, released.notices[0]))
    assert "by Kari: ok" in page_of(released)


def test_a_document_that_was_set_aside_is_part_of_the_evidence(bank: Bank) -> None:
    opening = bank.notice("aapning", FIRM, dataset=json.dumps({"debitor": STRANGER}))
    bank.customer("K-1", FIRM)
    bank.poll(MONDAY)
    case = evidence_of(bank.settings, opening.uuid, utc_now())
    assert [entry.reason for entry in case.quarantine] == ["dataset_contradicts"]
    assert case.notices[0].dataset_sha256 is None
    (proof,) = [proof for proof in case.proofs if proof.what.endswith("set aside")]
    assert (proof.sha256, proof.agreement) == (case.notices[0].documents_sha256[0], Agreement.AGREES)


def test_a_closing_and_a_later_annulment_belong_to_the_opening_they_changed(bank: Bank) -> None:
    first = bank.notice("aapning", FIRM, MONDAY)
    closing = bank.notice("avslutning", FIRM, TUESDAY)
    second = bank.notice("aapning", FIRM, WEDNESDAY)
    sletting = bank.notice("sletting", FIRM, THURSDAY)
    bank.poll(MONDAY, THURSDAY)
    sequence = {uuid: _uuids(bank, uuid) for uuid in (closing.uuid, sletting.uuid)}
    assert sequence == {closing.uuid: [first.uuid, closing.uuid], sletting.uuid: [second.uuid, sletting.uuid]}
    again = bank.notice("sletting", FIRM, THURSDAY, "13:00")
    bank.poll(THURSDAY)
    assert _uuids(bank, again.uuid) == [first.uuid, closing.uuid, again.uuid]
    assert _uuids(bank, closing.uuid) == [first.uuid, closing.uuid, again.uuid]


def _uuids(bank: Bank, asked_for: str) -> list[str]:
    return [notice.uuid for notice in evidence_of(bank.settings, asked_for, utc_now()).notices]


def test_an_unknown_id_is_refused_and_an_unreadable_notice_is_named_with_its_place(bank: Bank) -> None:
    with pytest.raises(UsageError, match="knows no notice and no action"):
        evidence_of(bank.settings, "nobody", utc_now())
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    row = {"entry_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "uuid": "1" * 8 + "-1111" * 3 + "-" + "1" * 12}
    with bank.store() as store:
        more = {"reason": "unreadable_notice", "detail": "no type", "payload": "{}", "first_seen_at": utc_now()}
        store.ledger.append("quarantine", [{**row, **more}])
        store.publish()
    with pytest.raises(UsageError, match="quarantine"):
        evidence_of(bank.settings, row["uuid"], utc_now())


SPANS = [
    ({"milliseconds": 1}, "0.001 s"),
    ({"seconds": 59, "milliseconds": 999}, "59.999 s"),
    ({"minutes": 1}, "1 min 0 s"),
    ({"hours": 1, "seconds": -1}, "59 min 59 s"),
    ({"hours": 1}, "1 h 0 min"),
    ({"days": 1, "seconds": -1}, "23 h 59 min"),
    ({"days": 1, "hours": 3}, "1 d 3 h"),
    ({"seconds": -90}, "−1 min 30 s"),
]


@pytest.mark.parametrize(("span", "text"), SPANS, ids=[text for _, text in SPANS])
def test_a_duration_is_shown_in_its_two_largest_units(span: dict[str, int], text: str) -> None:
    assert span_text(dt.timedelta(**span)) == text
