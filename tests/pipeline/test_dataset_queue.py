"""Which documents a poll asks for, and for how long: no document keeps another waiting, and no BLOCK waits for one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.domain.back_off import rest_after
from tests.pipeline.kit import MONDAY, TUESDAY, Bank, Polled, oslo, person

STUCK = [f"00000000-0000-4000-8000-{number:012}" for number in range(12)]
PERSON = person("newer")
NO_TIME = "0.000001"


def fails(uid: str, **how: object) -> Fault:
    return Fault.model_validate({"resource": "dataset", "uuid": uid, **(how or {"kind": "status", "status": 500})})


def asked_for(bank: Bank) -> list[str]:
    """Return the uuids of the documents requested since the last call, in order."""
    paths = [request.path for request in bank.service.requests]
    bank.service.requests.clear()
    return [path.rsplit("/", 1)[-1] for path in paths if "oppdatert" not in path]


def twelve_stuck(bank: Bank, clock: str = "09:00", **how: object) -> None:
    for uid in STUCK:
        bank.notice("aapning", person(uid), MONDAY, clock, uid=uid)
    bank.fail(*(fails(uid, **how) for uid in STUCK))


@pytest.mark.parametrize("clock", ["08:00", "10:00"], ids=["an older one", "a newer one"])
def test_documents_that_always_fail_keep_no_other_waiting(bank: Bank, clock: str) -> None:
    """Twelve uuids answer 500. An answer about one document means nothing for the others."""
    twelve_stuck(bank)
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON, MONDAY, clock)
    polled = bank.poll(MONDAY)
    assert polled.decided() == [("BLOCK", "K-ENK", "estate_open")]
    assert (polled.outcome, (polled.detail or "")[:33]) == ("partial", "12 of 13 expanded datasets could ")


def test_without_answers_the_rest_waits_and_is_first_in_the_next_poll(bank: Bank) -> None:
    twelve_stuck(bank, kind="reset")
    bank.customer("K-ENK", enk_of(PERSON))
    older = bank.notice("aapning", PERSON, MONDAY, "08:00")
    assert bank.poll(MONDAY).actions == []
    assert older.uuid not in asked_for(bank)
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-ENK", "estate_open")]
    assert asked_for(bank)[0] in {older.uuid, *STUCK}


def test_a_document_that_failed_three_times_rests_a_quarter_except_in_a_range(
    bank: Bank,
) -> None:
    bank.customer("K-1", person("another"))
    bank.notice("aapning", PERSON, MONDAY, "08:00", uid=STUCK[0])
    bank.fail(fails(STUCK[0]))

    def poll(clock: str) -> Polled:
        return bank.poll(TUESDAY, now=oslo(TUESDAY, clock), clock=bank.clock)

    for clock in ("09:00", "09:01", "09:02"):
        poll(clock)
        assert asked_for(bank) == [STUCK[0]], "most failures pass, so it is tried again"
    resting = poll("09:16")
    assert asked_for(bank) == []
    assert resting.outcome == "partial", "it is still missing"
    bank.poll(MONDAY, TUESDAY, now=oslo(TUESDAY, "09:16"), clock=bank.clock)
    assert asked_for(bank) == [STUCK[0]], "a person asked for a range"
    bank.fail()
    assert poll("09:50").detail is None
    assert asked_for(bank) == [STUCK[0]]


def test_a_poll_whose_time_is_up_blocks_direct_matches_and_the_next_goes_on(bank: Bank) -> None:
    bank.extra["KONKURS_DATASETS_BUDGET_S"] = NO_TIME
    bank.customer("K-1", PERSON)
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    first = bank.poll(MONDAY)
    assert (first.outcome, first.decided()) == ("partial", [("BLOCK", "K-1", "estate_open")])
    assert "KONKURS_DATASETS_BUDGET_S" in (first.detail or "")
    bank.extra["KONKURS_DATASETS_BUDGET_S"] = "30"
    second = bank.poll(TUESDAY)
    assert (second.outcome, second.decided()) == ("nothing_new", [("BLOCK", "K-ENK", "estate_open")])


def test_a_range_of_workdays_has_no_time_limit_for_documents(bank: Bank) -> None:
    bank.extra["KONKURS_DATASETS_BUDGET_S"] = NO_TIME
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    polled = bank.poll(MONDAY, TUESDAY)
    assert (polled.outcome, polled.decided()) == ("new", [("BLOCK", "K-ENK", "estate_open")])


def test_a_document_under_way_is_cut_off_when_the_time_is_up(bank: Bank) -> None:
    bank.extra["KONKURS_DATASETS_BUDGET_S"] = "0.3"
    bank.customer("K-1", PERSON)
    notice = bank.notice("aapning", PERSON)
    bank.fail(fails(notice.uuid, kind="slow", delay_s=0.1))
    polled = bank.poll(MONDAY)
    assert (polled.outcome, polled.decided()) == ("partial", [("BLOCK", "K-1", "estate_open")])
    assert "KONKURS_DATASETS_BUDGET_S" in (polled.detail or "")


def test_documents_of_direct_matches_come_first_and_newer_ones_before_older(bank: Bank) -> None:
    bank.customer("K-1", person("customer"))
    uuids = [
        bank.notice("aapning", person("older"), MONDAY, "09:00").uuid,
        bank.notice("aapning", person("customer"), MONDAY, "08:00").uuid,
        bank.notice("aapning", person("newer"), MONDAY, "10:00").uuid,
    ]
    bank.fail(*(fails(uid) for uid in uuids))
    in_order: list[str] = []
    fetch = bank.client.fetch_datasets

    def noted(asked: list[str], **more: object) -> object:
        in_order.extend(asked)
        return fetch(asked, **more)  # type: ignore[arg-type]  # handed on as it came

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bank.client, "fetch_datasets", noted)
        bank.poll(MONDAY)
    assert in_order == [uuids[1], uuids[2], uuids[0]]


@given(st.integers(0, 1000))
def test_a_rest_never_gets_shorter_and_never_exceeds_two_hours(failures: int) -> None:
    rest = rest_after(failures)
    assert rest <= rest_after(failures + 1) <= dt.timedelta(hours=2)
    assert (rest == dt.timedelta()) == (failures <= 2)
