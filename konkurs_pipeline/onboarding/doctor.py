"""`konkurs doctor`: checks everything that a poll needs, and says what to do about each fault.

Nothing is changed: no folder is created, no register accepted, no notice stored.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from konkurs_pipeline.brreg.certificate import open_rights, settings_certificate, settings_context
from konkurs_pipeline.brreg.client import connect
from konkurs_pipeline.domain.foreign_text import without_controls
from konkurs_pipeline.errors import CertificateError, KonkursError, RegisterError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.register.files import RegisterKind, identity_of, read_register_file
from konkurs_pipeline.register.judgement import JudgedRegister, judge_register
from konkurs_pipeline.register.rules import Limits
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.files import refusals_of
from konkurs_pipeline.storage.store import check_marker, layout_of

_EXPIRY_WARNING_DAYS = 60


class Level(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Diagnosis:
    """One line: what was checked, the result, and what was seen or what to do."""

    what: str
    level: Level
    message: str


def diagnose(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    """Run every check. If one fails, the next still runs."""
    yield Diagnosis(
        "settings",
        Level.OK,
        f"environment {settings.environment.value}, bank {settings.bank_id}, {settings.data_dir}",
    )
    looks: dict[str, Callable[[Settings, dt.datetime], Iterator[Diagnosis]]] = {
        "calendar": _calendar,
        "folders": _folders,
        "dataset map": _dataset_map,
        "register": _register,
        "certificate": _certificate,
        "service": _service,
    }
    for what, look in looks.items():
        try:
            yield from look(settings, now)
        except CertificateError as error:
            message = (
                str(error) if what == "certificate" else "not asked, as there is no usable certificate: mend that first"
            )
            yield Diagnosis(what, Level.PROBLEM, message)
        except KonkursError as error:
            yield Diagnosis(what, Level.PROBLEM, str(error))


def _calendar(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    calendar = settings.calendar
    today = calendar.workday_of(now)
    yield Diagnosis("calendar", Level.OK, f"today's workday is {today}, the one before {calendar.back(today, 1)}")


def _folders(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    del now
    layout = layout_of(settings)
    check_marker(settings, layout)
    for what, folder in (
        ("data folder", layout.root),
        ("outbox", layout.outbox),
        ("receipts", layout.receipts),
    ):
        found = _folder(what, folder, is_private=what == "data folder")
        refused = refusals_of(folder) if found.level is Level.OK and folder.is_dir() else []
        message = (
            f"{folder} refuses {', '.join(refused)}: files are written all the same; set rights where it is mounted"
        )
        yield Diagnosis(what, Level.WARNING, message) if refused else found


def _folder(what: str, folder: Path, *, is_private: bool) -> Diagnosis:
    if not folder.is_dir():
        above = next(path for path in (folder, *folder.parents) if path.exists())
        if not above.is_dir():
            return Diagnosis(
                what, Level.PROBLEM, f"{above} is a file where a folder is needed: move it, or correct the path"
            )
        if os.access(above, os.W_OK):
            return Diagnosis(what, Level.OK, f"{folder} will be created by the first run")
        return Diagnosis(what, Level.PROBLEM, f"{folder} is absent and {above} cannot be written: create it")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Diagnosis(what, Level.PROBLEM, f"{folder} cannot be written: give the service's user the right to")
    if is_private and folder.stat().st_mode & 0o077:
        return Diagnosis(what, Level.WARNING, f"{folder} is open to other users: chmod 700 {folder}")
    return Diagnosis(what, Level.OK, str(folder))


def _dataset_map(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    del now
    load_dataset_map(settings.dataset_map)
    yield Diagnosis("dataset map", Level.OK, str(settings.dataset_map or "built in"))


def _register(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    del now
    try:
        customers = read_register_file(settings.customers, RegisterKind.CUSTOMERS)
    except RegisterError as error:
        # A refusal names the file only. A bank that sets up needs the whole path.
        yield Diagnosis("customers", Level.PROBLEM, f"{error}. KONKURS_CUSTOMERS is {settings.customers}")
        return
    has_accounts = identity_of(settings.accounts) is not None
    accounts = read_register_file(settings.accounts, RegisterKind.ACCOUNTS) if has_accounts else None
    limits = Limits(settings.synthetic_allowed, settings.max_register_invalid)
    # Nothing is stored, so any key will do.
    judged = judge_register(customers, accounts, limits, key=b"doctor")
    table = judged.tables.customers
    flagged = int(table["is_flagged"].sum())
    level = Level.WARNING if flagged else Level.OK
    yield Diagnosis("customers", level, f"{table.height} rows, {flagged} of them can lead to a REVIEW only")
    yield from _odd_values(judged)
    if judged.tables.accounts is None:
        yield Diagnosis("accounts", Level.WARNING, f"{settings.accounts} is absent: actions are for whole customers")
        return
    rows, bad = judged.tables.accounts.height, int(judged.tables.accounts["is_flagged"].sum())
    level = Level.WARNING if bad or judged.orphans else Level.OK
    message = (
        f"{rows} rows in use, {bad} of them can lead to a REVIEW only; {judged.orphans} of unknown customers left out"
    )
    yield Diagnosis("accounts", level, message)


def _odd_values(judged: JudgedRegister) -> Iterator[Diagnosis]:
    """Yield a line for each kind of value that the bank should mend in its export, with their number."""
    if judged.respelled:
        message = (
            f"{judged.respelled} values have spaces or separators, and were read: the export should leave them out"
        )
        yield Diagnosis("spelling", Level.OK, message)
    if judged.unread_former_ids:
        message = f"{judged.unread_former_ids} entries are no identifier and match nobody, such as of customers "
        of = without_controls(redact(", ".join(judged.unread_of)))
        yield Diagnosis("former_ids", Level.WARNING, f"{message}{of}: mend them in the export")
    if judged.withheld:
        message = f"{judged.withheld} hold the customer's own number, so they are withheld from every file: give others"
        yield Diagnosis("customer_ref", Level.WARNING, message)


def _certificate(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    facts = settings_certificate(settings)
    if facts is None:
        yield Diagnosis("certificate", Level.OK, "none is needed: plain http on loopback")
        return
    settings_context(settings)
    days_left = (facts.not_after - now).days
    if now > facts.not_after or now < facts.not_before:
        yield Diagnosis(
            "certificate",
            Level.PROBLEM,
            f"valid {facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}: renew it",
        )
    elif days_left < _EXPIRY_WARNING_DAYS:
        yield Diagnosis("certificate", Level.WARNING, f"{days_left} days left: order a new one")
    else:
        yield Diagnosis("certificate", Level.OK, f"{facts.organisation}, valid to {facts.not_after:%Y-%m-%d}")
    if facts.is_ber:
        message = "the PKCS#12 is in BER, which works today: export it again, before the library refuses it"
        yield Diagnosis("encoding", Level.WARNING, message)
    yield from _certificate_use(settings, facts.chain_length, may_authenticate=facts.may_authenticate)


def _certificate_use(settings: Settings, chain_length: int, *, may_authenticate: bool) -> Iterator[Diagnosis]:
    if not may_authenticate:
        message = (
            "its key usage does not allow TLS client authentication: order an enterprise certificate for authentication"
        )
        yield Diagnosis("key usage", Level.PROBLEM, message)
    else:
        yield Diagnosis("key usage", Level.OK, "TLS client authentication")
    if chain_length == 1:
        message = "the PKCS#12 holds no issuer: some servers then answer 'unknown ca'. Export it with its chain"
        yield Diagnosis("chain", Level.WARNING, message)
    else:
        yield Diagnosis("chain", Level.OK, f"{chain_length} certificates")
    for path in (settings.client_p12, settings.client_p12_password_file):
        if path is not None and open_rights(path):
            yield Diagnosis("file rights", Level.WARNING, f"{path} can be read by others: chmod 600 {path}")


def _service(settings: Settings, now: dt.datetime) -> Iterator[Diagnosis]:
    with connect(settings) as service:
        service.fetch_root()
        listed = service.fetch_notices(now - dt.timedelta(days=3), keep=lambda _: None)
    yield Diagnosis("service", Level.OK, f"{settings.api_url} answers: {len(listed.items)} notices of the last 3 days")
    for finding in listed.findings:
        yield Diagnosis("service", Level.WARNING, finding)
