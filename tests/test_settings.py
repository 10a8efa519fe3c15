from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from konkurs_pipeline.errors import SettingsError
from konkurs_pipeline.settings import Environment, Expand, Settings, is_loopback, load_settings, variable

CERTIFICATE = {"CLIENT_P12": "/bank/client.p12", "CLIENT_P12_PASSWORD_FILE": "/bank/client.password"}
PASSWORD = "hush-hush"  # noqa: S105 -- invented
NO_FILE = Path("/there is no such folder/.env")

Load = Callable[..., Settings]


def load(**given: str) -> Settings:
    """Load the settings from these variables alone (named without their prefix)."""
    return load_settings({f"KONKURS_{name}": value for name, value in given.items()}, dotenv=NO_FILE)


def refusal(**given: str) -> str:
    """Return the error about these variables, which are refused."""
    with pytest.raises(SettingsError) as refused:
        load(**given)
    assert refused.value.exit_code == 2
    return str(refused.value)


class TestDefaults:
    @pytest.mark.parametrize(
        ("field", "default"),
        [
            ("environment", Environment.DEMO),
            ("bank_id", "DEMO"),
            ("api_url", "https://127.0.0.1:8443"),
            ("client_p12_password", None),
            ("lookback_workdays", 5),
            ("expand", Expand.MATCHED_OR_PERSON),
            ("max_blocks_per_run", 50),
            ("max_register_shrink", 0.2),
            ("max_register_invalid", 0.01),
            ("http_deadline_s", 60),
            ("tls_proxy", False),
            ("datasets_budget_s", 30),
            ("look_every_s", 5),
            ("retention_others_days", 90),
            ("retention_customers_years", 10),
            ("enhetsregisteret_url", "https://127.0.0.1:8443/enhetsregisteret/api"),
            ("dataset_map", None),
            ("extra_closed_days", frozenset()),
            ("first_workday", dt.date(2018, 1, 2)),
        ],
    )
    def test_a_setting_that_is_not_set_has_its_default(self, field: str, default: object) -> None:
        assert getattr(load(), field) == default

    @pytest.mark.parametrize(
        ("field", "place"),
        [
            ("data_dir", "."),
            ("customers", "register/customers.csv"),
            ("accounts", "register/accounts.csv"),
            ("outbox_dir", "outbox"),
            ("receipts_dir", "receipts"),
            ("client_p12", "simulator/client.p12"),
            ("client_p12_password_file", "simulator/client.password"),
            ("ca_bundle", "simulator/ca.pem"),
        ],
    )
    def test_folders_and_files_lie_in_the_data_folder(
        self, field: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)

        assert getattr(load(), field) == tmp_path / "data" / place
        assert getattr(load(DATA_DIR="/elsewhere"), field) == Path("/elsewhere") / place

    @pytest.mark.parametrize(
        ("environment", "url"),
        [
            ("demo", "https://127.0.0.1:8443"),
            ("test", "https://konkursvarsel.ppe-vcert.brreg.no"),
            ("prod", "https://konkursvarsel.vcert.brreg.no"),
        ],
    )
    def test_each_environment_has_its_service(self, environment: str, url: str) -> None:
        assert load(ENVIRONMENT=environment, **CERTIFICATE).api_url == url

    def test_only_the_demo_uses_the_simulators_certificate(self) -> None:
        tested = load(ENVIRONMENT="test", **CERTIFICATE)

        assert tested.ca_bundle is None
        assert tested.client_p12 == Path("/bank/client.p12")

    def test_a_demo_against_another_service_requires_a_certificate(self) -> None:
        assert "KONKURS_CLIENT_P12 is not set" in refusal(API_URL="https://service.example")

    def test_synthetic_identifiers_are_valid_except_in_production(self) -> None:
        allowed = {name: load(ENVIRONMENT=name, **CERTIFICATE).synthetic_allowed for name in ("demo", "test", "prod")}

        assert allowed == {"demo": True, "test": True, "prod": False}

    def test_an_empty_value_counts_as_not_set(self) -> None:
        assert load(LOOKBACK_WORKDAYS="", API_URL="", CUSTOMERS="") == load()


class TestValues:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("BANK_ID", "BANK01", "BANK01"),
            ("LOOKBACK_WORKDAYS", "0", 0),
            ("LOOKBACK_WORKDAYS", "250", 250),
            ("EXPAND", "all", Expand.ALL),
            ("EXPAND", "matched", Expand.MATCHED),
            ("MAX_BLOCKS_PER_RUN", "0", 0),
            ("MAX_REGISTER_SHRINK", "1", 1.0),
            ("MAX_REGISTER_INVALID", "0.5", 0.5),
            ("HTTP_DEADLINE_S", "1.5", 1.5),
            ("DATASETS_BUDGET_S", "0.5", 0.5),
            ("LOOK_EVERY_S", "0", 0),
            ("RETENTION_OTHERS_DAYS", "0", 0),
            ("RETENTION_CUSTOMERS_YEARS", "5", 5),
            ("TLS_PROXY", "true", True),
            ("ENHETSREGISTERET_URL", "off", "off"),
            ("ENHETSREGISTERET_URL", "http://127.0.0.1:9/api", "http://127.0.0.1:9/api"),
            ("FIRST_WORKDAY", "2024-05-21", dt.date(2024, 5, 21)),
            ("EXTRA_CLOSED_DAYS", "2024-12-24", frozenset({dt.date(2024, 12, 24)})),
            (
                "EXTRA_CLOSED_DAYS",
                "2024-12-24, 2024-12-31,",
                frozenset({dt.date(2024, 12, 24), dt.date(2024, 12, 31)}),
            ),
        ],
    )
    def test_a_value_is_read_as_its_type(self, name: str, text: str, value: object) -> None:
        assert getattr(load(**{name: text}), name.lower()) == value

    @pytest.mark.parametrize(
        "name",
        ["CUSTOMERS", "ACCOUNTS", "OUTBOX_DIR", "RECEIPTS_DIR", "CA_BUNDLE", "DATASET_MAP", *CERTIFICATE, "DATA_DIR"],
    )
    def test_a_path_is_made_absolute(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        assert getattr(load(**{name: "given/here"}), name.lower()) == tmp_path / "given" / "here"

    def test_the_calendar_has_the_extra_closed_days(self) -> None:
        calendar = load(EXTRA_CLOSED_DAYS="2024-12-24,2024-12-31").calendar

        assert not calendar.is_workday(dt.date(2024, 12, 24))
        assert not calendar.is_workday(dt.date(2024, 12, 31))
        assert calendar.is_workday(dt.date(2024, 12, 23))
        assert calendar.first_workday == dt.date(2018, 1, 2)

    def test_settings_cannot_be_changed_afterwards(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            load().bank_id = "OTHER"


class TestWrongValues:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            pytest.param("ENVIRONMENT", "production", "`demo`, `test` or `prod`", id="environment"),
            pytest.param("ENVIRONMENT", "PROD", "`demo`, `test` or `prod`", id="environment_in_capitals"),
            pytest.param("BANK_ID", "bank", "2 to 12 of A-Z and 0-9", id="bank_id_small"),
            pytest.param("BANK_ID", "A", "2 to 12 of A-Z and 0-9", id="bank_id_short"),
            pytest.param("BANK_ID", "ABCDEFGHIJKLM", "2 to 12 of A-Z and 0-9", id="bank_id_long"),
            pytest.param("BANK_ID", "../AB", "2 to 12 of A-Z and 0-9", id="bank_id_path"),
            pytest.param("BANK_ID", "AB\n", "2 to 12 of A-Z and 0-9", id="bank_id_line_end"),
            pytest.param("LOOKBACK_WORKDAYS", "-1", "how many earlier workdays", id="lookback_negative"),
            pytest.param("LOOKBACK_WORKDAYS", "251", "how many earlier workdays", id="lookback_above"),
            pytest.param("LOOKBACK_WORKDAYS", "five", "how many earlier workdays", id="lookback_word"),
            pytest.param("LOOKBACK_WORKDAYS", "1.5", "how many earlier workdays", id="lookback_fraction"),
            pytest.param("EXPAND", "some", "matched, matched_or_person or all", id="expand"),
            pytest.param("MAX_BLOCKS_PER_RUN", "-1", "BLOCK rows", id="blocks_negative"),
            pytest.param("MAX_REGISTER_SHRINK", "1.1", "share smaller", id="shrink_above"),
            pytest.param("MAX_REGISTER_SHRINK", "nan", "share smaller", id="shrink_nan"),
            pytest.param("MAX_REGISTER_SHRINK", "20%", "share smaller", id="shrink_percent"),
            pytest.param("MAX_REGISTER_INVALID", "-0.1", "larger share", id="invalid_negative"),
            pytest.param("DATASETS_BUDGET_S", "0", "stops fetching documents", id="budget_zero"),
            pytest.param("LOOK_EVERY_S", "-1", "between two light looks", id="look_negative"),
            pytest.param("LOOK_EVERY_S", "901", "between two light looks", id="look_above_a_quarter"),
            pytest.param("RETENTION_OTHERS_DAYS", "-1", "concerned no customer", id="retention_negative"),
            pytest.param("RETENTION_CUSTOMERS_YEARS", "ten", "concerned a customer", id="retention_word"),
            pytest.param("TLS_PROXY", "maybe", "own proxy on loopback", id="tls_proxy"),
            pytest.param("ENHETSREGISTERET_URL", "no", "off, or an https URL", id="second_source"),
            pytest.param(
                "ENHETSREGISTERET_URL", "http://data.brreg.no", "off, or an https URL", id="second_plain_http"
            ),
            pytest.param("HTTP_DEADLINE_S", "0", "total seconds", id="deadline_zero"),
            pytest.param("HTTP_DEADLINE_S", "inf", "total seconds", id="deadline_without_end"),
            pytest.param(
                "FIRST_WORKDAY", "02.01.2018", "the first partition, an ISO date", id="first_workday_norwegian"
            ),
            pytest.param("FIRST_WORKDAY", "20180102", "the first partition, an ISO date", id="first_workday_basic"),
            pytest.param("FIRST_WORKDAY", "86400", "the first partition, an ISO date", id="first_workday_epoch"),
            pytest.param("FIRST_WORKDAY", "2018-02-30", "the first partition, an ISO date", id="first_workday_no_date"),
            pytest.param("FIRST_WORKDAY", "2018-01-01", "a working day; the one before is 2017-12-29", id="a_holiday"),
            pytest.param("FIRST_WORKDAY", "2018-06-09", "a working day; the one before is 2018-06-08", id="a_saturday"),
            pytest.param("EXTRA_CLOSED_DAYS", "24.12.2024", "ISO dates, comma separated", id="closed_norwegian"),
            pytest.param("EXTRA_CLOSED_DAYS", "2024-12-24 2024-12-31", "comma separated", id="closed_by_space"),
            pytest.param("EXTRA_CLOSED_DAYS", "2024-12-24,86400", "comma separated", id="closed_second_epoch"),
            pytest.param("EXTRA_CLOSED_DAYS", "2024-12-24,2024-13-01", "comma separated", id="closed_no_date"),
            pytest.param("API_URL", "konkursvarsel.vcert.brreg.no", "a base URL such as", id="url_without_scheme"),
            pytest.param("API_URL", "ftp://service.example", "a base URL such as", id="url_scheme"),
            pytest.param("API_URL", "https://", "a base URL such as", id="url_without_host"),
            pytest.param("API_URL", "https://[", "a base URL such as", id="url_broken"),
            pytest.param("API_URL", "https://service.example:99999", "a base URL such as", id="url_port_above"),
            pytest.param("API_URL", "https://service.example:port", "a base URL such as", id="url_port_word"),
            pytest.param("API_URL", "http://service.example", "https; plain http is for loopback", id="url_plain_http"),
        ],
    )
    def test_one_line_names_the_variable_its_value_the_expected_value_and_the_cure(
        self, name: str, value: str, expected: str
    ) -> None:
        message = refusal(**{**CERTIFICATE, name: value})

        assert message.startswith(f"KONKURS_{name} is {value!r}; expected: ")
        assert expected in message
        assert message.endswith("Set it in the environment or in .env")
        assert "\n" not in message

    def test_an_extra_closed_day_can_make_the_first_workday_invalid(self) -> None:
        message = refusal(EXTRA_CLOSED_DAYS="2018-01-02")

        assert message.startswith(
            "KONKURS_FIRST_WORKDAY is not set; expected: a working day; the one before is 2017-12-29"
        )

    @pytest.mark.parametrize("number", ["08086001471", "02013299997"], ids=["a synthetic one", "one of 2032"])
    def test_a_person_s_number_is_no_bank_s_id_and_is_not_repeated(self, number: str) -> None:
        message = refusal(BANK_ID=number)

        assert message.startswith("KONKURS_BANK_ID is ")
        assert number not in message

    def test_each_wrong_value_has_its_line(self) -> None:
        lines = refusal(BANK_ID="x", LOOKBACK_WORKDAYS="x", EXPAND="x").splitlines()

        assert {line.split()[0] for line in lines} == {
            "KONKURS_BANK_ID",
            "KONKURS_LOOKBACK_WORKDAYS",
            "KONKURS_EXPAND",
        }

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("ENVIROMENT", "ENVIRONMENT"),
            ("BANK", "BANK_ID"),
            ("DATADIR", "DATA_DIR"),
            ("LOOKBAK", "LOOKBACK_WORKDAYS"),
            ("CUSTOMER", "CUSTOMERS"),
            ("RECEIPT_DIR", "RECEIPTS_DIR"),
            ("CLIENT_P12_PASSWORDFILE", "CLIENT_P12_PASSWORD_FILE"),
            ("LOOK_EVERY", "LOOK_EVERY_S"),
        ],
    )
    def test_an_unknown_name_is_refused_and_the_nearest_is_suggested(self, name: str, meant: str) -> None:
        message = refusal(**{name: "x"})

        assert message == f"KONKURS_{name}: no such setting. Did you mean KONKURS_{meant}?"

    def test_an_unknown_name_is_refused_also_without_a_value(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("KONKURS_CUSTOMER=\n", encoding="utf-8")

        assert refusal(CUSTOMER="") == "KONKURS_CUSTOMER: no such setting. Did you mean KONKURS_CUSTOMERS?"
        with pytest.raises(SettingsError, match="KONKURS_CUSTOMER: no such setting"):
            load_settings({}, dotenv=file)

    def test_an_unknown_name_without_a_near_one_leads_to_the_documentation(self) -> None:
        assert refusal(B="x", QQQ="x").splitlines() == [
            "KONKURS_B: no such setting. docs/settings.md has them all. Correct the name or remove it",
            "KONKURS_QQQ: no such setting. docs/settings.md has them all. Correct the name or remove it",
        ]

    def test_names_without_the_prefix_are_ignored(self) -> None:
        assert (
            load_settings({"DAGSTER_HOME": "/x", "konkurs_bank_id": "x", "XKONKURS_Y": "x"}, dotenv=NO_FILE) == load()
        )

    @given(name=st.sampled_from(sorted(Settings.model_fields)), value=st.text(st.characters(codec="utf-8"), min_size=1))
    @hypothesis_settings(deadline=None)
    def test_any_value_is_taken_or_refused_with_the_name_of_its_setting(self, name: str, value: str) -> None:
        try:
            load(**{**CERTIFICATE, name.upper(): value})
        except SettingsError as refused:
            assert str(refused).startswith("KONKURS_")  # noqa: PT017 -- most values are refused, some are taken

    @given(
        url=st.from_regex(
            r"\A[a-z]{0,5}:?/{0,2}[\[\]@:%a-z0-9.]{0,12}[/?#]?[^\x00]{0,4}\Z", alphabet=st.characters(codec="utf-8")
        )
    )
    @hypothesis_settings(deadline=None)
    def test_a_url_is_taken_only_where_paths_can_be_put_after_it(self, url: str) -> None:
        try:
            taken = load(API_URL=url, **CERTIFICATE).api_url if url else ""
        except SettingsError as refused:
            assert "KONKURS_API_URL" in str(refused)  # noqa: PT017 -- most are refused, some are taken
        else:
            assert not url or re.match(r"https?://[^/?#@]+", taken, re.IGNORECASE)
            assert not {"?", "#", "@"} & set(taken.split("/", 3)[2] if taken else "")


class TestTheService:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("https://konkursvarsel.ppe-vcert.brreg.no", "Brreg's test environment"),
            ("https://ppe.bank.example", "a label"),
            ("https://konkurs-test.bank.example", "a part of a label"),
            ("https://tt02.bank.example", "a test environment's name"),
            ("https://simulator.bank.example", "the simulator"),
            ("https://KONKURSVARSEL.PPE-VCERT.BRREG.NO", "in capitals"),
        ],
    )
    def test_production_refuses_test_hosts(self, url: str, why: str) -> None:
        message = refusal(ENVIRONMENT="prod", API_URL=url, **CERTIFICATE)

        assert message.startswith(f"KONKURS_API_URL is {url!r}; expected: a production host"), why

    @pytest.mark.parametrize(
        "url", ["https://konkursvarsel.vcert.brreg.no", "https://attest.example", "https://p.example"]
    )
    def test_production_takes_other_hosts(self, url: str) -> None:
        assert load(ENVIRONMENT="prod", API_URL=url, **CERTIFICATE).api_url == url

    @pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
    def test_plain_http_on_loopback_needs_no_certificate(self, url: str) -> None:
        assert load(ENVIRONMENT="test", API_URL=url).client_p12 is None

    def test_production_takes_plain_http_only_from_a_tls_proxy_on_loopback(self) -> None:
        loopback = "http://127.0.0.1:8000"

        assert refusal(ENVIRONMENT="prod", API_URL=loopback).startswith("KONKURS_TLS_PROXY is not set; expected: true")
        assert load(ENVIRONMENT="prod", API_URL=loopback, TLS_PROXY="true").tls_proxy
        for environment in ("test", "prod"):
            message = refusal(ENVIRONMENT=environment, API_URL="http://10.0.0.1", TLS_PROXY="true")
            assert "plain http is for loopback only" in message

    @pytest.mark.parametrize(
        ("environment", "url"), [("prod", "https://data.brreg.no/enhetsregisteret/api"), ("test", "off")]
    )
    def test_the_second_source_is_on_in_production(self, environment: str, url: str) -> None:
        assert load(ENVIRONMENT=environment, **CERTIFICATE).enhetsregisteret_url == url

    def test_the_demos_second_source_is_the_simulator_that_it_polls(self) -> None:
        assert load(API_URL="http://127.0.0.1:9/").enhetsregisteret_url == "http://127.0.0.1:9/enhetsregisteret/api"

    @pytest.mark.parametrize(("environment", "seconds"), [("demo", 5), ("test", 30), ("prod", 30)])
    def test_the_demo_looks_more_often(self, environment: str, seconds: int) -> None:
        assert load(ENVIRONMENT=environment, **CERTIFICATE).look_every_s == seconds

    @pytest.mark.parametrize(
        "url", ["http://0.0.0.0", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"]
    )
    def test_plain_http_to_anywhere_else_is_refused(self, url: str) -> None:
        assert "plain http is for loopback only" in refusal(ENVIRONMENT="test", API_URL=url)

    @pytest.mark.parametrize("environment", ["test", "prod"])
    def test_https_requires_a_certificate_and_its_password(self, environment: str) -> None:
        assert refusal(ENVIRONMENT=environment).startswith("KONKURS_CLIENT_P12 is not set")
        assert refusal(ENVIRONMENT=environment, CLIENT_P12="/c.p12").startswith(
            "KONKURS_CLIENT_P12_PASSWORD_FILE is not"
        )
        assert load(ENVIRONMENT=environment, CLIENT_P12="/c.p12", CLIENT_P12_PASSWORD=PASSWORD).client_p12_password

    @pytest.mark.parametrize(
        ("host", "expected"),
        [("127.8.9.1", True), ("::1", True), ("localhost", True), ("", False), ("brreg.no", False)],
    )
    def test_loopback_is_this_machine(self, host: str, *, expected: bool) -> None:
        assert is_loopback(host) is expected


class TestSecrets:
    @pytest.mark.parametrize(
        "show", [repr, str, lambda s: s.model_dump_json(), lambda s: json.dumps(s.model_dump(), default=str)]
    )
    def test_the_password_is_never_shown(self, show: Callable[[Settings], str]) -> None:
        loaded = load(CLIENT_P12_PASSWORD=PASSWORD)

        assert loaded.client_p12_password is not None
        assert loaded.client_p12_password.get_secret_value() == PASSWORD
        assert PASSWORD not in show(loaded)

    def test_the_password_stands_in_no_refusal_of_something_else(self) -> None:
        assert PASSWORD not in refusal(CLIENT_P12_PASSWORD=PASSWORD, BANK_ID="x", API_URL="http://x.example")

    @pytest.mark.parametrize(
        "url",
        [
            pytest.param(f"https://user:{PASSWORD}@service.example", id="user_and_password"),
            pytest.param(f"https://:{PASSWORD}@service.example", id="password_alone"),
            pytest.param(f"https://user:{PASSWORD}/@@service.example", id="odd_characters"),
            pytest.param(f"https://user:a@{PASSWORD}@service.example", id="two_ats"),
            pytest.param(f"https://service.example/?token={PASSWORD}", id="token"),
            pytest.param(f"https://service.example#{PASSWORD}", id="fragment"),
        ],
    )
    def test_a_url_with_credentials_is_refused_without_showing_them(self, url: str) -> None:
        message = refusal(API_URL=url, **CERTIFICATE)

        assert message.startswith("KONKURS_API_URL is 'https://")
        assert PASSWORD not in message

    def test_an_identifier_in_a_wrong_value_is_masked(self) -> None:
        message = refusal(LOOKBACK_WORKDAYS="08086002265")

        assert "08086002265" not in message
        assert message.startswith("KONKURS_LOOKBACK_WORKDAYS is '‹identifier›'")


class TestTheFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / ".env"

    def test_settings_are_read_from_the_file(self, file: Path) -> None:
        file.write_text(
            "# the bank\n\nKONKURS_BANK_ID=BANK01\nexport KONKURS_EXPAND='all'\nOTHER=1\n", encoding="utf-8"
        )

        loaded = load_settings({}, dotenv=file)

        assert (loaded.bank_id, loaded.expand) == ("BANK01", Expand.ALL)

    def test_the_environment_overrides_the_file(self, file: Path) -> None:
        file.write_text("KONKURS_BANK_ID=BANK01\nKONKURS_EXPAND=all\n", encoding="utf-8")

        loaded = load_settings({"KONKURS_BANK_ID": "BANK02"}, dotenv=file)

        assert (loaded.bank_id, loaded.expand) == ("BANK02", Expand.ALL)

    def test_by_default_the_file_of_the_working_directory_and_the_processs_environment_are_read(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file.write_text("KONKURS_BANK_ID=BANK01\n", encoding="utf-8")
        monkeypatch.chdir(file.parent)
        monkeypatch.setenv("KONKURS_EXPAND", "all")

        loaded = load_settings()

        assert (loaded.bank_id, loaded.expand) == ("BANK01", Expand.ALL)

    def test_an_unknown_name_in_the_file_is_refused(self, file: Path) -> None:
        file.write_text("KONKURS_BANK=BANK01\n", encoding="utf-8")

        with pytest.raises(SettingsError, match="KONKURS_BANK: no such setting"):
            load_settings({}, dotenv=file)

    @pytest.mark.parametrize(
        "line",
        ["KONKURS_ENVIRONMENT prod", "KONKURS_ENVIRONMENT", "KONKURS_BANK_ID='A"],
        ids=["space", "bare", "quote"],
    )
    def test_a_line_of_the_file_that_sets_nothing_is_refused(self, file: Path, line: str) -> None:
        """If it were ignored, the default would hold: a bank that means prod would run the demo."""
        file.write_text(f"KONKURS_EXPAND=all\n{line}\n", encoding="utf-8")

        with pytest.raises(SettingsError, match=r"cannot be read from line 2 on; expected: NAME=value") as refused:
            load_settings({}, dotenv=file)
        assert "prod" not in str(refused.value)

    @pytest.mark.parametrize("content", [b"KONKURS_BANK_ID=\xff\xfe", b"\xff"])
    def test_a_file_that_is_not_text_is_refused(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)

        with pytest.raises(SettingsError, match="readable UTF-8 text file"):
            load_settings({}, dotenv=file)

    def test_a_working_directory_that_cannot_be_read_has_no_file(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All settings may be in the environment, and a service often cannot read its working directory."""

        def refuse(_: Path) -> bool:
            raise PermissionError

        monkeypatch.setattr(Path, "is_file", refuse)

        assert load_settings({}, dotenv=file) == load()

    def test_a_missing_working_directory_is_no_defect(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()

        assert "an absolute path, as the working folder is gone" in refusal()
        assert load_settings({"KONKURS_DATA_DIR": "/data"}).data_dir == Path("/data")
        monkeypatch.chdir(tmp_path)

    def test_a_folder_with_the_name_of_the_file_is_ignored(self, file: Path) -> None:
        file.mkdir()

        assert load_settings({}, dotenv=file) == load()


def test_every_field_has_a_description() -> None:
    """The descriptions are the documentation and the text of every refusal."""
    fields: dict[str, Any] = dict(Settings.model_fields)

    assert all(field.description for field in fields.values())


def test_the_page_lists_every_setting_once() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"`(KONKURS_[A-Z0-9_]+)`", "\n".join(re.findall(r"^\| (`KONKURS_[^|]*) \|", page, re.MULTILINE))
    )

    assert sorted(listed) == sorted(variable(field) for field in Settings.model_fields)


@pytest.mark.parametrize("value", ["/tmp/a\udcff", "/tmp/a\0b"], ids=["no UTF-8", "a null"])  # noqa: S108 -- never made
@pytest.mark.parametrize("name", ["DATA_DIR", "OUTBOX_DIR", "CUSTOMERS", "ALERT_COMMAND"])
def test_a_value_that_is_not_text_is_refused(name: str, value: str) -> None:
    assert f"KONKURS_{name} holds bytes that are not UTF-8, or a null" in refusal(**{name: value})
