"""After the retention time nothing of a person is left: not one byte in the data folder, Dagster's home included.

The real job runs over the bankruptcies of one person for each path into the store. `konkurs erase --apply` runs long after.
The search leaves out the bank's own register, its current snapshot, and core banking's receipts.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.domain.instants import instant_text
from tests.canary.conftest import Bank, list_fault
from tests.canary.search import canaries_in_file, files_under, names_under
from tests.pipeline.kit import MONDAY, TUESDAY, csv_bytes, damaged, oslo, person

pytestmark = pytest.mark.timeout(600)
NAME: Final = "Kanarifuglen"
PATHS: Final = (
    *(
        "nobody's",
        "a customer",
        "a linked unit's owner",
        "an unknown type",
        "healed",
        "a contradicting document",
        "held",
    ),
    *("a review", "asked about", "never stored", "failing its check", "a notice that changed", "only in a look"),
)
NUMBERS: Final = {person(f"erasure {path}"): path for path in PATHS}
OF: Final = {path: number for number, path in NUMBERS.items()}
OF["failing its check"] = damaged(OF["failing its check"])
LOOKED_FOR: Final = {number: path for path, number in OF.items()}
CUSTOMERS: Final = ("a customer", "held", "asked about", "a review", "failing its check")


def _uuid(path: str, kind: str) -> str:
    return f"{PATHS.index(path):08x}-{len(kind):04x}-4111-8111-111111111111"


def _item(path: str, kind: str = "aapning", day: dt.date = MONDAY, **changes: object) -> dict[str, object]:
    return {
        "uuid": _uuid(path, kind),
        "type": kind,
        "registreringstidspunkt": instant_text(oslo(day, f"10:{PATHS.index(path):02}")),
        "kjennelsesdato": MONDAY.isoformat(),
        "debitor": OF[path],
        "navn": NAME,
        "_links": {"self": {"href": f"/konkursvarsler/{_uuid(path, kind)}"}},
        **changes,
    }


def _listed(*items: object) -> str:
    return json.dumps({"_embedded": {"konkursvarsler": items}, "_links": {"self": {"href": "/"}}})


def _first_day() -> list[dict[str, object]]:
    """Return the openings. One is not readable yet; one belongs to a day that no run asks for."""
    odd = ("unknown type", "healed", "never stored", "only in a look")
    usual = [_item(path) for path in PATHS if not path.endswith(odd)]
    never = _item("never stored", registreringstidspunkt=instant_text(oslo(TUESDAY.replace(day=20), "10:00")))
    odd_ones = (
        _item("an unknown type"),
        _item("an unknown type", "navn", type=NAME, registreringstidspunkt=instant_text(oslo(MONDAY, "11:30"))),
        _item("healed", registreringstidspunkt=NAME),
    )
    return [*usual, *odd_ones, never]


def _second_day() -> list[dict[str, object]]:
    """Return all notices again, readable, with their endings. One notice has changed; one has an unknown type."""
    openings = [one for one in _first_day() if one["uuid"] != _uuid("healed", "aapning")]
    endings = [_item(path, "avslutning", TUESDAY) for path in PATHS if path not in {"never stored", "only in a look"}]
    changed = _item("a notice that changed", kjennelsesdato=TUESDAY.isoformat())
    return [changed if one["uuid"] == changed["uuid"] else one for one in (*openings, _item("healed"), *endings)]


def _document(path: str, **changes: object) -> str:
    whole = {**_item(path), "debitor": {"identifikator": OF[path], "navn": NAME}, **changes}
    return json.dumps(whole)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Return a bank whose store holds every one of them, also in files that killed processes left."""
    folder = tmp_path_factory.mktemp("erasure")
    for name in ("tmp", "home", "cache", "cwd"):
        (folder / name).mkdir()
    app = build_app([], now=SteppedClock(oslo(TUESDAY, "23:59")))
    with running_simulator(app, tls=None) as url:
        made = Bank(folder, url, app.state.simulation)
        _write_register(made)
        unit = [{"organisasjonsnummer": "810000000", "navn": NAME, "organisasjonsform": "ENK"}]
        documents = [
            list_fault(kind="json_value", body=_document(path, tilknyttedeEnheter=unit)).model_copy(
                update={"resource": "dataset", "uuid": _uuid(path, "aapning")}
            )
            for path in ("a linked unit's owner", "nobody's")
        ]
        contradicting = _document("a contradicting document", type="sletting")
        documents.append(
            list_fault(kind="json_value", body=contradicting).model_copy(
                update={"resource": "dataset", "uuid": _uuid("a contradicting document", "aapning")}
            )
        )
        limit = {"KONKURS_MAX_BLOCKS_PER_RUN": "2"}
        for number, day, items in ((1, MONDAY, _first_day()), (2, TUESDAY, _second_day())):
            made.service.faults.replace([list_fault(kind="json_value", body=_listed(*items)), *documents])
            made.run_here(f"poll {number}", "run", "--from", day.isoformat(), "--to", day.isoformat(), **limit)
        _ask(made)
        _record_review(made)
        _leave_what_a_kill_leaves(made)
        yield made


def _write_register(bank: Bank) -> None:
    register = bank.data / "register"
    register.mkdir(parents=True)
    rows = [(f"K-{n}", OF[path], "", "") for n, path in enumerate(CUSTOMERS)]
    (register / "customers.csv").write_bytes(csv_bytes(("customer_ref", "national_id", "former_ids", "name"), rows))


def _ask(bank: Bank) -> None:
    request = {
        "requester_orgnr": "974760673",
        "party_id": OF["asked about"],
        "from_date": MONDAY.isoformat(),
        "to_date": TUESDAY.isoformat(),
        "only_primary_owner": True,
        "legal_mandate": "x",
        "correlation_id": "y",
        "account_info_request_id": "z",
        "scope": f"accounts of {NAME}",
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", TextIOWrapper(BytesIO(json.dumps(request).encode())))
        bank.run_here("a request", "control-request", "--json")
    assert NAME in (bank.data / "control_requests.jsonl").read_text(encoding="utf-8")


def _record_review(bank: Bank) -> None:
    bank.run_here("reviews", "reviews", "--json")
    reviews = json.loads(bank.printed["stdout of reviews"])
    assert reviews
    for review in reviews:
        bank.run_here(
            "review", "review", review["action_id"], "--by", "Kari", "--outcome", "no_action", "--note", f"{NAME} rang"
        )


def _leave_what_a_kill_leaves(bank: Bank) -> None:
    number, pid = OF["only in a look"].encode(), os.getpid()
    left = {
        "look": number,
        f".look.{pid}.1.tmp": number,
        f"lake/answers/.x.{pid}.1.tmp": number,
        "lake/answers/aa/" + "a" * 64 + ".json.gz": number,
        "lake/register/.tmp-x/customers.parquet": number,
        f"ledger/.ledger.duckdb.{pid}.tmp": number,
        f"ledger/.ledger.duckdb.{pid}.tmp.wal": number,
        "ledger/ledger.duckdb.tmp/spill": number,
        f"published/.quarantine.{pid}.tmp": number,
        "rehearsal/ledger/ledger.duckdb": number,
        "publishing/copy.duckdb": number,
    }
    for name, content in left.items():
        path = bank.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (0, 0))


def _found(bank: Bank, but: Callable[[Path], bool]) -> dict[str, set[str]]:
    given = {"receipts", "register"}
    places = {
        str(path.relative_to(bank.data)): canaries_in_file(path, LOOKED_FOR) | _in_parquet(path)
        for path in files_under(bank.data, lambda path: path.relative_to(bank.data).parts[0] in given or but(path))
    }
    return {place: found for place, found in places.items() if found}


def _in_parquet(path: Path) -> set[str]:
    """Return the values of a Parquet or DuckDB file, which stores them compressed."""
    import duckdb  # noqa: PLC0415 -- here only

    if path.suffix == ".parquet" and path.stat().st_size > 100:
        rows = duckdb.execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)", [str(path)]).fetchall()
        text = str(rows)
    elif path.name == "ledger.duckdb" and "rehearsal" not in path.parts:
        with duckdb.connect(str(path), read_only=True) as con:
            tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            text = str([con.execute(f'SELECT COLUMNS(*)::VARCHAR FROM "{name}"').fetchall() for name in tables])  # noqa: S608
    else:
        return set()
    return {where for number, where in LOOKED_FOR.items() if number in text} | ({"a name"} if NAME in text else set())


SHORT: Final = {"KONKURS_RETENTION_CUSTOMERS_YEARS": "0", "KONKURS_RETENTION_OTHERS_DAYS": "0"}


@pytest.fixture(scope="module")
def erased(ended: Bank) -> Bank:
    """Return the bank after the erasure; it held every one of them before."""
    assert ended.codes["poll 2"] in {0, 1}, ended.printed["stderr of poll 2"].decode()
    assert b"held" in ended.printed["stderr of poll 1"]
    assert set().union(*_found(ended, lambda _: False).values()) >= {*PATHS}
    ended.run_here("erase", "erase", "--apply", "--json", **SHORT)
    assert ended.codes["erase"] == 0, ended.printed["stderr of erase"].decode()
    return ended


def _found_outside_the_register(bank: Bank) -> dict[str, set[str]]:
    current = json.loads((bank.data / "lake" / "register" / "current.json").read_bytes())["id"]
    return _found(bank, lambda path: current in path.parts)


def test_after_the_retention_time_nothing_is_left_of_anybody(erased: Bank) -> None:
    assert _found_outside_the_register(erased) == {}, erased.printed["stdout of erase"].decode()
    assert not [name for name in names_under(erased.data) if any(number.encode() in name for number in LOOKED_FOR)]
    assert (erased.data / "dagster").is_dir(), "the search covers a real Dagster home"
    erased.run_here("verify", "verify", **SHORT)
    assert erased.codes["verify"] == 0, erased.printed["stderr of verify"].decode()


def test_a_run_after_the_erasure_stores_nothing_again(erased: Bank) -> None:
    body = _listed(*(one for one in _second_day() if one["uuid"] != _uuid("never stored", "aapning")))
    erased.service.faults.replace([list_fault(kind="json_value", body=body)])
    erased.run_here("poll 3", "run", "--from", TUESDAY.isoformat(), "--to", TUESDAY.isoformat())
    assert erased.codes["poll 3"] == 0, erased.printed["stderr of poll 3"].decode()
    assert _found_outside_the_register(erased) == {}
