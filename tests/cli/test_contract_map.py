"""`konkurs contract --write-map`: a map for a service whose documents have another shape. An existing file stays."""

from __future__ import annotations

import json
import re

from konkurs_pipeline.brreg.simulator.faults import Fault, FaultKind, Resource
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from tests.cli.conftest import CommandLine
from tests.domain.reshaped import served


def test_the_map_is_written_and_verified_and_no_identifier_is_written_or_printed(konkurs: CommandLine) -> None:
    konkurs.service.replace_notices(served())
    result = konkurs("contract", "--write-map", "map.toml")
    assert result.code == 0
    assert re.search(r"fields found +0 → 20", result.out)
    assert re.search(r"agree with their notice +0 → 13", result.out)
    assert re.search(r"linked units found +0 → [1-9]", result.out)
    text = (konkurs.folder / "map.toml").read_text(encoding="utf-8")
    assert 'linked_unit_id = ["orgNr", "organisasjonsnummer"]' in text
    assert "No avslutning was among them" in text
    assert not re.search(r"[0-9]{9}", text + result.out)


def test_an_existing_map_is_not_overwritten_and_the_service_is_not_asked(konkurs: CommandLine) -> None:
    file = konkurs.folder / "map.toml"
    file.write_text("mine", encoding="utf-8")
    konkurs.service.requests.clear()
    result = konkurs("contract", "--write-map", "map.toml")
    assert (result.code, file.read_text(encoding="utf-8"), list(konkurs.service.requests)) == (2, "mine", [])
    assert "exists already" in result.err


def test_where_the_shapes_fit_no_map_is_written(konkurs: CommandLine) -> None:
    konkurs.service.replace_notices(load_test_notices())
    result = konkurs("contract", "--write-map", "map.toml")
    assert (result.code, (konkurs.folder / "map.toml").exists()) == (0, False)
    assert "none was written" in result.out


def test_without_a_document_no_map_is_proposed(konkurs: CommandLine) -> None:
    result = konkurs("contract", "--write-map", "map.toml")
    assert (result.code, (konkurs.folder / "map.toml").exists()) == (1, False)
    assert "no dataset could be read" in result.err


def test_a_field_that_stops_matching_is_marked_and_the_exit_code_is_1(konkurs: CommandLine) -> None:
    konkurs.service.replace_notices(served())
    result = konkurs("contract")
    assert result.code == 1
    assert re.search(r"^dataset  debtor_id +0 of [0-9]+ +STOPS MATCHING not found at debitor", result.out, re.MULTILINE)
    assert re.search(r"^konkurs: this stops matching: .*dataset debtor_id \(0 of [0-9]+\)", result.err, re.MULTILINE)
    by_name = {(each["part"], each["name"]): each for each in json.loads(konkurs("contract", "--json").out)}
    assert by_name["dataset", "debtor_id"]["stops_matching"]
    assert not by_name["dataset", "court_name"]["stops_matching"]


def test_a_list_without_a_required_field_exits_1(konkurs: CommandLine) -> None:
    konkurs.service.replace_notices(load_test_notices())
    body = '{"_embedded": {"konkursvarsler": [{"uuid": "1", "type": "aapning", "registreringstidspunkt": "x"}]}}'
    konkurs.service.faults.replace([Fault(kind=FaultKind.JSON_VALUE, resource=Resource.LIST, body=body)])
    result = konkurs("contract")
    assert result.code == 1
    assert re.search(r"^list +debitor +0 of 1 +STOPS MATCHING missing in 1", result.out, re.MULTILINE)


def test_if_the_shapes_are_as_assumed_nothing_is_marked(konkurs: CommandLine) -> None:
    konkurs.service.replace_notices(load_test_notices())
    result = konkurs("contract")
    assert result.code == 0
    assert "STOPS" not in result.out
