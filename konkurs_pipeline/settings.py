"""The settings: `KONKURS_…` environment variables and a `.env` file, read once, typed.

The field descriptions are the documentation. A wrong value stops the program before it touches anything, with the
variable's name, what it held (never a secret), what was expected and what to do. Nothing runs at import.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, Self
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from konkurs_pipeline.domain.identifiers import identify
from konkurs_pipeline.domain.workdays import Calendar
from konkurs_pipeline.errors import SettingsError
from konkurs_pipeline.redaction import redact

PREFIX: Final = "KONKURS_"
_SECRETS: Final = frozenset({"client_p12_password", "alert_webhook_url"})


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


SIMULATOR_PORT: Final = 8443
BRREG_URLS: Final = {
    Environment.DEMO: f"https://127.0.0.1:{SIMULATOR_PORT}",
    Environment.TEST: "https://konkursvarsel.ppe-vcert.brreg.no",
    Environment.PROD: "https://konkursvarsel.vcert.brreg.no",
}
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FOLDER_FIELDS: Final = ("customers", "accounts", "outbox_dir", "receipts_dir")
# A name and password, or a token, in a URL: shown to nobody, also where the URL is refused for them.
_CREDENTIALS: Final = re.compile(r"(?<=//).*(?=@)|(?<=[?#]).+")
_TEST_HOST: Final = re.compile(r"(^|[.-])(ppe|test|tt02|simulator)([.-]|$)", re.IGNORECASE)


class Settings(BaseModel):
    """Everything that can be set, with defaults filled in and paths made absolute."""

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
    def _make_absolute(cls, value: Path | None) -> Path | None:
        return value.absolute() if value is not None else None

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: dict[str, Any]) -> dict[str, Any]:
        data_dir = Path(given.get("data_dir") or "./data").absolute()
        defaults: dict[str, Any] = {
            "customers": data_dir / "register" / "customers.csv",
            "accounts": data_dir / "register" / "accounts.csv",
            "outbox_dir": data_dir / "outbox",
            "receipts_dir": data_dir / "receipts",
        }
        environment = given.get("environment", Environment.DEMO)
        if not given.get("api_url"):
            defaults["api_url"] = BRREG_URLS.get(environment, "")
            if environment == Environment.DEMO:
                tls = data_dir / "simulator"
                defaults |= {
                    "client_p12": tls / "client.p12",
                    "client_p12_password_file": tls / "client.password",
                    "ca_bundle": tls / "ca.pem",
                }
        return {**defaults, **given, "data_dir": data_dir}

    @model_validator(mode="after")
    def _check_service(self) -> Self:
        url = _base_url(self.api_url)
        if url is None:
            _complain("api_url", "a base URL such as https://konkursvarsel.vcert.brreg.no")
        host = url.hostname or ""
        if url.scheme == "http" and not is_loopback(host):
            _complain("api_url", "https; plain http is for loopback only")
        if self.environment is Environment.PROD and _TEST_HOST.search(host):
            _complain("api_url", "a production host, as KONKURS_ENVIRONMENT is prod")
        if url.scheme == "https" and self.client_p12 is None:
            _complain(
                "client_p12",
                "the path of the enterprise certificate (PKCS#12), as the service asks for mutual TLS",
            )
        if self.client_p12 and not (self.client_p12_password_file or self.client_p12_password):
            _complain("client_p12_password_file", "the path of a file that holds the certificate's password")
        return self

    @model_validator(mode="after")
    def _check_alerts(self) -> Self:
        if self.alert_webhook_url is not None:
            url = urlsplit(self.alert_webhook_url.get_secret_value())
            if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname))):
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
        """Whether the register's real volumes can be expected: in production, unless set."""
        return self.environment is Environment.PROD if self.expect_volumes is None else self.expect_volumes

    @property
    def synthetic_allowed(self) -> bool:
        """Whether synthetic national identifiers count as valid: everywhere but in production."""
        return self.environment is not Environment.PROD


class _ComplaintError(ValueError):
    """A rule over several settings was broken; carries the variable to name."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(expected)
        self.field = field


def _complain(field: str, expected: str) -> NoReturn:
    raise _ComplaintError(field, expected)


def _base_url(text: str) -> SplitResult | None:
    """Return the parts of a URL that paths can be put after, without credentials; null where it is none."""
    try:
        url = urlsplit(text)
        is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_usable and not (url.query or url.fragment or "@" in url.netloc) else None


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def variable(field: str) -> str:
    """Return the environment variable of a settings field."""
    return PREFIX + field.upper()


def load_settings(environ: Mapping[str, str] | None = None, *, dotenv: Path = Path(".env")) -> Settings:
    """Read the settings from `environ` (default: the process's) over the `.env` file in the working directory.

    An empty value counts as not set. Raises `SettingsError`, one line for each thing that is wrong.
    """
    given = {**_read_dotenv(dotenv), **(os.environ if environ is None else environ)}
    ours = {name: value for name, value in given.items() if name.startswith(PREFIX) and value}
    known = {variable(field): field for field in Settings.model_fields}
    _refuse_unknown(set(ours) - set(known), list(known))
    values = {known[name]: value for name, value in ours.items()}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [_explain(detail, values) for detail in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path.absolute()} cannot be read ({type(error).__name__}): make it a readable UTF-8 text file"
        raise SettingsError(message) from None
    _refuse_broken_lines(path, text)
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value}


def _refuse_broken_lines(path: Path, text: str) -> None:
    """Refuse lines that are no `NAME=value`: python-dotenv leaves them out, and the default would stand unseen."""
    lines = [
        str(found.original.line)
        for found in parse_stream(StringIO(text))
        if found.error or (found.key is not None and found.value is None)
    ]
    if lines:
        message = f"{path.absolute()} cannot be read from line {', '.join(lines)} on; expected: NAME=value. Correct it"
        raise SettingsError(message)


def _refuse_unknown(unknown: set[str], known: list[str]) -> None:
    if unknown:
        names = ", ".join(sorted(unknown))
        message = f"{names}: no such setting. Correct the name or remove it. Known are: {', '.join(known)}"
        raise SettingsError(message)


def _expected(field: str, detail: ErrorDetails) -> str:
    """Return the setting's description, and what pydantic says of the value's form (it does not quote the value)."""
    form = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("String should ")
    return f"{Settings.model_fields[field].description} ({form})"


def _explain(detail: ErrorDetails, values: Mapping[str, str]) -> str:
    cause = (detail.get("ctx") or {}).get("error")
    field = cause.field if isinstance(cause, _ComplaintError) else str(detail["loc"][0])
    expected = str(cause) if isinstance(cause, _ComplaintError) else _expected(field, detail)
    if field not in values:
        held = "is not set"
    elif field in _SECRETS:
        held = "holds a value that cannot be used"
    else:
        held = f"is {redact(_CREDENTIALS.sub('…', values[field]))!r}"
    return f"{variable(field)} {held}; expected: {expected}. Set it in the environment or in .env"
