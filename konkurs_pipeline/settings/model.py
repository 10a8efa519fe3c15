"""The settings as a typed model: a field for each variable, with its documentation, and rules over several fields."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from konkurs_pipeline.domain.identifiers import identify
from konkurs_pipeline.domain.workdays import Calendar
from konkurs_pipeline.settings.urls import (
    BRREG_URLS,
    ENHETSREGISTERET_URL,
    SIMULATED_ENHETSREGISTERET,
    base_url,
    is_safe,
    is_test_host,
)


class Environment(StrEnum):
    """Which service is polled and which identifiers count."""

    DEMO = "demo"
    TEST = "test"
    PROD = "prod"


class Expand(StrEnum):
    """Whose expanded datasets are fetched."""

    MATCHED = "matched"
    MATCHED_OR_PERSON = "matched_or_person"
    ALL = "all"


_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FOLDER_FIELDS: Final = ("customers", "accounts", "outbox_dir", "receipts_dir")
OFF: Final = "off"
_LOOK_EVERY_S: Final = {Environment.DEMO: 5}


# Programs that read the store treat a path with these as a pattern, and find another folder's files, or none.
PATTERN_SIGNS: Final = "*?[]"


class Settings(BaseModel):
    """All settings, with defaults filled in and paths made absolute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: Environment = Field(
        Environment.DEMO,
        description="`demo`, `test` or `prod`; `prod` refuses synthetic identifiers and test hosts",
    )
    bank_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")] = Field(
        "DEMO", description="short id of the bank, 2 to 12 of A-Z and 0-9, in file names"
    )
    data_dir: Path = Field(Path("./data"), description="the folder where everything is kept")
    api_url: str = Field("", description="base URL of the service: https, or plain http on loopback")
    tls_proxy: bool = Field(
        default=False,
        description="`true` where the bank's own proxy on loopback speaks TLS to Brreg: prod then takes plain http there",
    )
    client_p12: Path | None = Field(None, description="the client certificate, a PKCS#12 file")
    client_p12_password_file: Path | None = Field(None, description="the file that holds its password")
    client_p12_password: SecretStr | None = Field(None, description="its password, where no file can be had")
    ca_bundle: Path | None = Field(None, description="PEM file of trusted roots; the system's where not set")
    customers: Path = Field(Path(), description="the bank's register of customers, CSV or Parquet")
    accounts: Path = Field(Path(), description="the bank's register of accounts, CSV or Parquet; may be missing")
    outbox_dir: Path = Field(Path(), description="the folder core banking reads from")
    receipts_dir: Path = Field(Path(), description="the folder core banking answers in")
    lookback_workdays: int = Field(5, ge=0, le=250, description="how many earlier workdays every poll reads again")
    expand: Expand = Field(
        Expand.MATCHED_OR_PERSON, description="whose datasets are fetched: matched, matched_or_person or all"
    )
    max_blocks_per_run: int = Field(50, ge=0, description="more BLOCK rows than this in one run are held for release")
    max_register_shrink: float = Field(
        0.2, ge=0, le=1, description="a register this share smaller than the last accepted one is refused"
    )
    max_register_invalid: float = Field(
        0.01, ge=0, le=1, description="a register with a larger share of failing identifiers is refused"
    )
    http_deadline_s: float = Field(60, gt=0, le=3600, description="total seconds one request may take, body included")
    datasets_budget_s: float = Field(
        30,
        gt=0,
        le=3600,
        description="seconds after which a poll of one workday stops fetching documents; the next poll goes on",
    )
    look_every_s: int = Field(
        30, ge=0, le=900, description="seconds between two light looks in opening hours, 0 to 900; 0 is off"
    )
    retention_others_days: int = Field(
        90,
        ge=0,
        le=36500,
        description="days after its end for which a bankruptcy that concerned no customer is kept with its identifiers",
    )
    retention_customers_years: int = Field(
        10, ge=0, le=100, description="years after its end for which a bankruptcy that concerned a customer is kept"
    )
    enhetsregisteret_url: str = Field(
        OFF, description="base URL of Enhetsregisteret, the second source; `off`: it is not asked"
    )
    many_banks: bool = Field(
        default=False,
        description="`true` where one Dagster serves several banks: assets and jobs stand under the bank's id",
    )
    dataset_map: Path | None = Field(None, description="TOML file: where in a dataset a field is found")
    extra_closed_days: frozenset[dt.date] = Field(
        frozenset(), description="ISO dates, comma separated, that are not working days"
    )
    first_workday: dt.date = Field(dt.date(2018, 1, 2), description="the first partition, an ISO date")
    expect_volumes: bool | None = Field(
        None, description="`true` or `false`: whether silence and floods are alarms; not set: in prod only"
    )
    alert_webhook_url: SecretStr | None = Field(
        None, description="https URL that each alert is posted to as JSON; http on loopback only"
    )
    alert_smtp: str = Field("", pattern=r"^$|^[A-Za-z0-9.-]+:[0-9]{1,5}$", description="e-mail server, host:port")
    alert_email_from: str = Field("", description="the sender of alerts by e-mail")
    alert_email_to: str = Field("", description="who gets alerts by e-mail, comma separated")
    alert_command: str = Field("", description="command line that each alert is given to as JSON on standard input")

    @field_validator("first_workday", mode="before")
    @classmethod
    def _iso_date_only(cls, value: object) -> object:
        if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
            message = "dates are written YYYY-MM-DD"
            raise ValueError(message)
        return value

    @field_validator("bank_id")
    @classmethod
    def _no_person(cls, value: str) -> str:
        if identify(value, synthetic_allowed=True).is_person:
            message = "it stands in file names, so it must not be a person's number"
            raise ValueError(message)
        return value

    @field_validator("extra_closed_days", mode="before")
    @classmethod
    def _split_dates(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [cls._iso_date_only(part.strip()) for part in value.split(",") if part.strip()]

    @field_validator("client_p12", "client_p12_password_file", "ca_bundle", "dataset_map", *_FOLDER_FIELDS)
    @classmethod
    def _make_absolute(cls, value: Path | None, about: ValidationInfo) -> Path | None:
        return _absolute(value, str(about.field_name)) if value is not None else None

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: dict[str, Any]) -> dict[str, Any]:
        data_dir = _absolute(Path(given.get("data_dir") or "./data"), "data_dir")
        environment = given.get("environment", Environment.DEMO)
        defaults: dict[str, Any] = {
            "customers": data_dir / "register" / "customers.csv",
            "accounts": data_dir / "register" / "accounts.csv",
            "outbox_dir": data_dir / "outbox",
            "receipts_dir": data_dir / "receipts",
            "look_every_s": _LOOK_EVERY_S.get(environment, 30),
            **_default_service(given, environment, data_dir / "simulator"),
        }
        return {**defaults, **given, "data_dir": data_dir}

    @model_validator(mode="after")
    def _check_folder(self) -> Self:
        if set(str(self.data_dir)) & set(PATTERN_SIGNS):
            _complain("data_dir", f"a path without {PATTERN_SIGNS}, which DuckDB and Dagster take for patterns")
        return self

    @model_validator(mode="after")
    def _check_service(self) -> Self:
        url = base_url(self.api_url)
        if url is None:
            _complain("api_url", "a base URL such as https://konkursvarsel.vcert.brreg.no")
        if not is_safe(url):
            _complain("api_url", "https; plain http is for loopback only")
        if self.environment is Environment.PROD and is_test_host(url):
            _complain("api_url", "a production host, as KONKURS_ENVIRONMENT is prod")
        if self.environment is Environment.PROD and url.scheme == "http" and not self.tls_proxy:
            _complain("tls_proxy", "true, as prod takes plain http only from the bank's own TLS proxy on loopback")
        if url.scheme == "https" and self.client_p12 is None:
            _complain(
                "client_p12",
                "the path of the enterprise certificate (PKCS#12), as the service asks for mutual TLS",
            )
        if self.client_p12 and not (self.client_p12_password_file or self.client_p12_password):
            _complain("client_p12_password_file", "the path of a file that holds the certificate's password")
        return self

    @model_validator(mode="after")
    def _check_second_source(self) -> Self:
        if self.enhetsregisteret_url == OFF:
            return self
        url = base_url(self.enhetsregisteret_url)
        if url is None or not is_safe(url):
            _complain("enhetsregisteret_url", f"off, or an https URL such as {ENHETSREGISTERET_URL}")
        if self.environment is Environment.PROD and is_test_host(url):
            _complain("enhetsregisteret_url", "a production host, as KONKURS_ENVIRONMENT is prod")
        return self

    @model_validator(mode="after")
    def _check_alerts(self) -> Self:
        if self.alert_webhook_url is not None:
            url = urlsplit(self.alert_webhook_url.get_secret_value())
            if not url.hostname or url.scheme not in ("http", "https") or not is_safe(url):
                _complain("alert_webhook_url", "an https URL; plain http is for loopback only")
        for field in ("alert_email_from", "alert_email_to"):
            if bool(self.alert_smtp) != bool(getattr(self, field)):
                wrong = field if self.alert_smtp else "alert_smtp"
                _complain(wrong, "all of the e-mail server, the sender and the receivers, or none of them")
        return self

    @model_validator(mode="after")
    def _check_first_workday(self) -> Self:
        if not self.calendar.is_workday(self.first_workday):
            _complain(
                "first_workday",
                f"a working day; the one before is {self.calendar.on_or_before(self.first_workday)}",
            )
        return self

    @property
    def calendar(self) -> Calendar:
        """The workdays, with the configured extra closed days."""
        return Calendar(self.first_workday, self.extra_closed_days)

    @property
    def are_volumes_expected(self) -> bool:
        """Whether the register's real volumes are expected: as set, else in production."""
        return self.environment is Environment.PROD if self.expect_volumes is None else self.expect_volumes

    @property
    def synthetic_allowed(self) -> bool:
        """Whether synthetic national identifiers count as valid: everywhere but in production."""
        return self.environment is not Environment.PROD


class RuleError(ValueError):
    """A rule over several settings was broken; carries the field to name."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(expected)
        self.field = field


def _complain(field: str, expected: str) -> NoReturn:
    raise RuleError(field, expected)


def _absolute(path: Path, field: str) -> Path:
    try:
        return path.absolute()
    except OSError:
        _complain(field, "an absolute path, as the working folder is gone or cannot be read")


def _default_service(given: dict[str, Any], environment: str, tls: Path) -> dict[str, Any]:
    """Return the service if none is set: Brreg, or in the demo the simulator with its certificates."""
    url = given.get("api_url") or BRREG_URLS.get(environment, "")
    if environment == Environment.PROD:
        return {"api_url": url, "enhetsregisteret_url": ENHETSREGISTERET_URL}
    if environment != Environment.DEMO:
        return {"api_url": url}
    simulator: dict[str, Any] = {"api_url": url, "enhetsregisteret_url": url.rstrip("/") + SIMULATED_ENHETSREGISTERET}
    if not given.get("api_url"):
        simulator |= {
            "client_p12": tls / "client.p12",
            "client_p12_password_file": tls / "client.password",
            "ca_bundle": tls / "ca.pem",
        }
    return simulator
