from __future__ import annotations

import datetime as dt
import re
import time
import tomllib
from pathlib import Path

import pytest

from konkurs_pipeline.brreg.simulator import scenario as format_description
from konkurs_pipeline.brreg.simulator.clock import RunningClock
from konkurs_pipeline.brreg.simulator.faults import FaultKind, Resource
from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.brreg.simulator.scenario import Scenario, load_scenario
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import UsageError

INLINE = """
[[notice]]
uuid = "u1"
type = "aapning"
registered_at = 2018-06-08T11:32:40.200Z
debtor = "910375237"
"""


def scenario(folder: Path, text: str) -> Scenario:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path)


def test_an_empty_file_is_a_service_without_notices(tmp_path: Path) -> None:
    assert scenario(tmp_path, "") == Scenario(notices=())


def test_a_scenario_can_hold_brregs_list(tmp_path: Path) -> None:
    assert list(scenario(tmp_path, "brreg_test_list = true").notices) == load_test_notices()


def test_a_scenario_can_hold_generated_years(tmp_path: Path) -> None:
    given = scenario(tmp_path, "[generated]\nseed = 7\nfirst = 2024-03-01\nlast = 2024-03-05")

    assert list(given.notices) == generate_notices(7, dt.date(2024, 3, 1), dt.date(2024, 3, 5))


def test_an_inline_notice_is_visible_from_its_registration_by_default(tmp_path: Path) -> None:
    (notice,) = scenario(tmp_path, INLINE).notices

    assert notice.registered_at_text == "2018-06-08T11:32:40.200Z"
    assert notice.visible_from == notice.registered_at
    assert notice.ruling_date is None


def test_an_inline_notice_can_set_every_field(tmp_path: Path) -> None:
    more = """
    registered_at_text = "2018-06-08T13:32:40+02:00"
    ruling_date = 2018-06-07
    visible_from = 2018-06-08T11:45:00Z
    visible_until = 2018-06-09T00:00:00Z
    dataset = '{"uuid": null}'
    """
    (notice,) = scenario(tmp_path, INLINE + more).notices

    assert notice.registered_at_text == "2018-06-08T13:32:40+02:00"
    assert notice.ruling_date == dt.date(2018, 6, 7)
    assert notice.visible_from == dt.datetime(2018, 6, 8, 11, 45, tzinfo=dt.UTC)
    assert notice.visible_until == dt.datetime(2018, 6, 9, tzinfo=dt.UTC)
    assert notice.dataset == '{"uuid": null}'


def test_sources_add_up(tmp_path: Path) -> None:
    assert len(scenario(tmp_path, "brreg_test_list = true\n" + INLINE).notices) == 16


def test_faults_are_read_in_order(tmp_path: Path) -> None:
    faults = scenario(
        tmp_path,
        """
        [[fault]]
        kind = "status"
        resource = "list"
        from_request = 2
        times = 3
        status = 429
        headers = { Retry-After = "2" }
        [[fault]]
        kind = "bomb"
        """,
    ).faults

    assert [fault.kind for fault in faults] == [FaultKind.STATUS, FaultKind.BOMB]
    assert (faults[0].resource, faults[0].from_request, faults[0].times) == (Resource.LIST, 2, 3)
    assert faults[0].headers == {"Retry-After": "2"}
    assert faults[1].size == 100_000_000


def test_without_a_clock_the_time_is_the_real_one(tmp_path: Path) -> None:
    assert scenario(tmp_path, "").now is utc_now
    assert abs(utc_now() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)


def test_a_clock_starts_elsewhere_and_runs_faster(tmp_path: Path) -> None:
    now = scenario(tmp_path, "[clock]\nstarts_at = 2018-06-08T11:30:00Z\nspeed = 3600").now
    first = now()
    time.sleep(0.02)

    assert isinstance(now, RunningClock)
    assert first - dt.datetime(2018, 6, 8, 11, 30, tzinfo=dt.UTC) < dt.timedelta(hours=1)
    assert now() - first >= dt.timedelta(seconds=72)


def test_the_app_of_a_scenario_has_its_parts(tmp_path: Path) -> None:
    app = scenario(tmp_path, 'page_size = 3\n[[fault]]\nkind = "html"\n' + INLINE).build_app()

    assert app.state.simulation.page_size == 3
    assert app.state.simulation.faults.take(Resource.ROOT).kind is FaultKind.HTML
    assert app.state.simulation.visible_notice("u1")


def test_the_example_in_the_documentation_is_itself_a_scenario(tmp_path: Path) -> None:
    text = format_description.__doc__ or ""
    example = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))

    given = scenario(tmp_path, example)

    assert set(tomllib.loads(example)) == {
        "page_size",
        "brreg_test_list",
        "clock",
        "generated",
        "notice",
        "fault",
        "unit",
    }
    assert (len(given.faults), given.page_size) == (1, 100)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("page_size = 0", r"page_size is 0: .*greater than", id="value_out_of_range"),
        pytest.param("pages = 1", r"pages is 1: .*not permitted", id="no_such_key"),
        pytest.param("= 1", r"is not TOML: .*line 1", id="not_toml"),
        pytest.param('[[fault]]\nkind = "explode"', r"fault\[0\]\.kind is 'explode': ", id="no_such_fault"),
        pytest.param('[[fault]]\nkind = "html"\nsize = 1', r"fault\[0\]: .*takes no size", id="misplaced"),
        pytest.param('[[notice]]\nuuid = "u"', r"notice\[0\]\.debtor: Field required", id="missing"),
        pytest.param(INLINE + "visible_from = 2018-06-08T11:45:00", r"visible_from.*timezone", id="no_zone"),
        pytest.param(
            "[generated]\nseed = 1\nfirst = 2024-01-02\nlast = 2024-01-01",
            r"generated: .*earlier day first",
            id="backwards",
        ),
    ],
)
def test_an_error_names_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as raised:
        scenario(tmp_path, text)

    assert str(tmp_path / "scenario.toml") in str(raised.value)


def test_all_errors_are_reported_at_once_one_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        scenario(tmp_path, 'page_size = 0\nbrreg_test_list = "perhaps"')

    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(INLINE.replace('"910375237"', "8086001471"), id="debtor_as_a_number"),
        pytest.param(INLINE.replace('"910375237"', "[8086001471]"), id="debtor_as_a_list"),
        pytest.param(INLINE + "dataset = 8086001471", id="dataset"),
        pytest.param(INLINE.replace('"aapning"', "08086001471"), id="not_toml"),
        pytest.param("[08086001471]\n[08086001471]", id="table_twice"),
        pytest.param("08086001471 = 1", id="key"),
        pytest.param('"navn 08086001471" = 1', id="part_of_a_key"),
    ],
)
def test_no_error_quotes_an_identifier(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        scenario(tmp_path, text)

    assert not re.search("8086001471|910375237", str(raised.value).replace(str(tmp_path), ""))
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_missing_file_is_reported_as_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")


def test_a_file_in_another_encoding_is_reported(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes("# æ".encode("latin-1"))

    with pytest.raises(UsageError, match="not UTF-8"):
        load_scenario(tmp_path / "latin.toml")


def test_a_scenario_can_change_or_remove_a_unit(tmp_path: Path) -> None:
    file = tmp_path / "units.toml"
    file.write_text(
        '[[unit]]\norganisasjonsnummer = "910425463"\nkonkurs = true\nkonkursdato = 2024-01-01\norganisasjonsform = "ENK"\n'
        '[[unit]]\norganisasjonsnummer = "910375237"\nunknown = true\n'
    )
    assert load_scenario(file).build_app().state.simulation.unit_changes == {
        "910425463": {"konkurs": True, "konkursdato": "2024-01-01", "organisasjonsform": {"kode": "ENK"}},
        "910375237": None,
    }


def test_the_example_of_the_docs_is_a_scenario_with_every_part() -> None:
    path = Path(__file__).parents[3] / "docs" / "scenario.toml"
    example = load_scenario(path)
    assert set(tomllib.loads(path.read_text(encoding="utf-8"))) == {
        "brreg_test_list", "page_size", "clock", "generated", "notice", "unit", "fault",
    }  # fmt: skip
    assert len(example.notices) > len(load_test_notices())
