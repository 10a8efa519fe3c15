"""Links in answers to other hosts, over mutual TLS: a finding for a person, never a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.faults import Fault
from tests.brreg.hostile_server import HostileServer
from tests.pipeline.kit import MONDAY, Bank
from tests.service.conftest import BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON, DEBTOR

ALL_BLOCKS = [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]


def address_of(elsewhere: HostileServer) -> str:
    """Return the address with a host name: with the number it would be the host of the service."""
    return f"https://localhost:{elsewhere.port}"


def expect_findings(bank: Bank, elsewhere: HostileServer, *findings: str) -> None:
    """Poll Monday: every BLOCK is written, the findings are reported, and no other host got a request."""
    polled = bank.poll(MONDAY)
    assert polled.outcome == "new"
    assert sorted(polled.decided()) == ALL_BLOCKS
    for finding in findings:
        assert f"{finding} names localhost, not the service's host 127.0.0.1; it is never followed" in (
            polled.detail or ""
        )
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("resource", "findings"),
    [
        pytest.param("list", ["a notice's own link", "a link of the list"], id="of a list"),
        pytest.param("dataset", ["an expanded dataset's own link"], id="of a dataset"),
    ],
)
def test_links_to_another_host_are_reported_and_not_requested(
    bank: Bank, elsewhere: HostileServer, resource: str, findings: list[str]
) -> None:
    bank.fail(Fault.model_validate({"resource": resource, "kind": "foreign_href", "url": address_of(elsewhere)}))
    expect_findings(bank, elsewhere, *findings)
    asked = [line.path for line in bank.service.requests]
    assert len(asked) == 2
    assert asked[1] == f"/konkursvarsler/{bank.notices[0].uuid}"


def test_a_paging_link_to_another_host_leads_to_the_next_page_of_the_service(
    bank: Bank, elsewhere: HostileServer
) -> None:
    """The client uses only the query of such a link. It fetches the second page, with the opening, from the service."""
    first = bank.notice("avslutning", DEBTOR, clock="09:00")
    bank.serve([first, bank.notices[0]])
    bank.service.page_size = 1
    listed = {
        "_embedded": {"konkursvarsler": []},
        "_links": {"next": {"href": f"{address_of(elsewhere)}/konkursvarsler/oppdatert/{ASKED_FROM}?page=2"}},
    }
    bank.fail(Fault.model_validate({"resource": "list", "kind": "json_value", "body": json.dumps(listed), "times": 1}))
    expect_findings(bank, elsewhere, "the paging link")
    assert [line.path for line in bank.service.requests][1].endswith(f"/oppdatert/{ASKED_FROM}?page=2")


# The millisecond before the window of Monday with its lookback of five workdays.
ASKED_FROM = "2018-08-26T21:59:59.999Z"


@pytest.mark.parametrize(
    "links",
    [
        pytest.param({"kunngjoring": {"href": "{}/kunngjoring"}}, id="one"),
        pytest.param({"dokument": [{"href": "/konkursvarsler"}, {"href": "{}/dokument"}]}, id="the second of two"),
        pytest.param({"finn": {"href": "{}/finn{?side}", "templated": True}}, id="a template"),
    ],
)
def test_any_other_link_of_a_dataset_is_compared_too(
    bank: Bank, elsewhere: HostileServer, links: dict[str, Any]
) -> None:
    (notice,) = bank.notices
    there = json.dumps(links).replace('"{}', f'"{address_of(elsewhere)}')
    document = expanded_dataset(notice, f"/konkursvarsler/{notice.uuid}")
    document["_links"] |= json.loads(there)
    bank.fail(Fault.model_validate({"resource": "dataset", "kind": "json_value", "body": json.dumps(document)}))
    expect_findings(bank, elsewhere, "a link of an expanded dataset")


def test_a_dataset_whose_own_link_names_another_notice_is_reported(bank: Bank, elsewhere: HostileServer) -> None:
    (notice,) = bank.notices
    document = expanded_dataset(notice, "/konkursvarsler/22222222-2222-4222-8222-222222222222")
    bank.fail(Fault.model_validate({"resource": "dataset", "kind": "json_value", "body": json.dumps(document)}))
    polled = bank.poll(MONDAY)
    assert sorted(polled.decided()) == ALL_BLOCKS
    assert "an expanded dataset's own link names another resource than its uuid" in (polled.detail or "")
    assert elsewhere.connections == 0


def test_links_that_stay_on_the_service_are_no_finding(bank: Bank) -> None:
    assert bank.poll(MONDAY).detail is None
