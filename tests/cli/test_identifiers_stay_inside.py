"""A canary search: after a day of runs and failures, no number of the cast stands outside the protected tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of, estate_of, expanded_dataset, trustee_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.schemas.tables import LEDGER
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of
from tests.cli.conftest import DAY, CommandLine
from tests.pipeline.kit import MONDAY, company, damaged, oslo, person

FIRM, DEBTOR, CONTRADICTED = company("firm"), person("debtor"), person("contradicted")
DAMAGED, ODD, PETITIONER = damaged(person("damaged")), company("odd"), company("petitioner")
CAST = {
    "a firm": FIRM,
    "a person": DEBTOR,
    "whose dataset contradicts": CONTRADICTED,
    "a number that fails its check": DAMAGED,
    "of an unknown type": ODD,
    "a petitioner": PETITIONER,
    "a sole proprietorship": enk_of(DEBTOR),
    "an estate": estate_of(FIRM),
    "a trustee": trustee_of(FIRM),
    "a former number": person("former"),
    "a lost leading zero": "8086001471",
}
NAME = "Navnesen Kanarifugl"


def _notices() -> list[SimulatedNotice]:
    made = []
    for n, (kind, debtor) in enumerate(
        [
            ("aapning", FIRM),
            ("aapning", DEBTOR),
            ("aapning", DAMAGED),
            ("gjenaapning", ODD),
            ("aapning", CONTRADICTED),
            ("sletting", person("former")),
        ]
    ):
        uuid = f"{n}1111111-1111-4111-8111-111111111111"
        at = oslo(MONDAY, f"1{n}:00")
        notice = simulated_notice(uuid=uuid, type=kind, registered_at=at, debtor_id=debtor, ruling_date=MONDAY)
        made.append(notice)
    contradicting = expanded_dataset(made[4], "") | {"debitor": DEBTOR}
    more = expanded_dataset(made[1], "") | {"rekvirent": {PETITIONER: PETITIONER, "nr": PETITIONER}}
    texts = {4: json.dumps(contradicting), 1: json.dumps(more)}
    return [
        simulated_notice(
            uuid=n.uuid,
            type=n.type,
            registered_at=n.registered_at,
            debtor_id=n.debtor_id,
            ruling_date=n.ruling_date,
            dataset=texts.get(place),
        )
        for place, n in enumerate(made)
    ]


@pytest.fixture
def printed(konkurs: CommandLine) -> str:
    """Run every command, successfully and with failures; returns the whole output."""
    konkurs.write_customers(
        *(f"K-{n},{number},,{NAME}" for n, number in enumerate(CAST.values())), f"K-F,{company('new')},{FIRM},"
    )
    konkurs.service.replace_notices(_notices())
    run = ("run", "--from", DAY, "--to", DAY)
    more = {"KONKURS_MAX_REGISTER_INVALID": "1", "KONKURS_MAX_BLOCKS_PER_RUN": "1"}
    results = [konkurs(*run, **more)]
    konkurs.service.faults.replace(
        [
            Fault.model_validate(
                {
                    "kind": "json_value",
                    "resource": "list",
                    "body": json.dumps(
                        {"_embedded": {"konkursvarsler": [{"uuid": FIRM, FIRM: DEBTOR}, FIRM]}, "_links": {}}
                    ),
                    "times": 1,
                }
            ),
            Fault.model_validate({"kind": "json_value", "resource": "list", "body": json.dumps({FIRM: [DEBTOR]})}),
        ]
    )
    results += [konkurs(*run, **more), konkurs(*run, **more)]
    konkurs.service.faults.replace([])
    (konkurs.data / "receipts" / "KONKURS_x.receipt.json").write_text(json.dumps({"file_id": FIRM}), encoding="utf-8")
    konkurs.write_customers(
        content=f"customer_ref,national_id,former_ids,name\nK-1,{DEBTOR},,\nK-1,{FIRM},,\n".encode()
    )
    results.append(konkurs(*run, **more))
    questions = (
        ["status"],
        ["status", "--json"],
        ["held"],
        ["reviews"],
        ["reviews", "--json"],
        ["gaps"],
        ["plan", *run[1:]],
    )
    for command in (*questions, ["verify"], ["doctor"], ["contract"]):
        results.append(konkurs(*command, **more))
    results += [konkurs("lookup", number) for number in (FIRM, enk_of(DEBTOR), DAMAGED)]
    results.append(konkurs("lookup", DEBTOR, "--as-of", FIRM))
    results += [konkurs("evidence", notice.uuid, *more) for notice in _notices() for more in ([], ["--json"])]
    assert {one.code for one in results} == {0, 1, 2}, "all exit codes occur"
    return "".join(one.out + one.err for one in results)


@pytest.mark.long
def test_no_number_of_the_cast_leaves_the_protected_tables(konkurs: CommandLine, printed: str) -> None:
    layout = layout_of(load_settings(konkurs.environ, dotenv=Path("none")))
    given = (konkurs.data / "register", layout.receipts)
    protected = (layout.lake, layout.ledger.parent, layout.published, *given)
    places: dict[str, bytes] = {"what was printed": printed.encode()}
    for path in konkurs.data.rglob("*"):
        places[f"the name of {path.relative_to(konkurs.data)}"] = path.name.encode()
        if path.is_file() and not any(path.is_relative_to(folder) for folder in protected):
            places[f"the file {path.relative_to(konkurs.data)}"] = path.read_bytes()
    for table in LEDGER:
        rows = Published(layout).read(table)
        if table == "quarantine":
            rows = rows.drop("payload", "debtor_id")
        places[f"the table {table}"] = rows.write_ndjson().encode()
    assert len(places) > 50, "the search looks at the right place"
    found = {
        (what, place)
        for what, number in CAST.items()
        for place, content in places.items()
        if number.encode() in content
    }
    assert found == set()
    assert [place for place, content in places.items() if NAME.encode() in content] == []
