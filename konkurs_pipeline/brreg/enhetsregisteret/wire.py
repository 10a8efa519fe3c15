"""From Enhetsregisteret's JSON to units. An answer of another shape is a failure, never "no unit is flagged".

Source: docs/domain.md § 10. What does not belong here: requests (`client`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, NoReturn

from konkurs_pipeline.brreg.wire import one_or_many
from konkurs_pipeline.domain.identifiers import IdKind, identify, without_spaces
from konkurs_pipeline.domain.second_source import Unit
from konkurs_pipeline.errors import AnswerError
from konkurs_pipeline.json_strict import JsonObject, JsonValue

# The flags of a bankruptcy, and the dates that go with them.
FLAGS: Final = ("konkurs", "underTvangsavviklingEllerTvangsopplosning")
_FLAG_DATES: Final = (
    "konkursdato",
    "tvangsopplostPgaManglendeDagligLederDato",
    "tvangsopplostPgaManglendeRevisorDato",
    "tvangsopplostPgaManglendeRegnskapDato",
    "tvangsopplostPgaMangelfulltStyreDato",
    "tvangsavvikletPgaManglendeSlettingDato",
)


@dataclass(frozen=True, slots=True)
class UnitPage:
    """One page of a search: its units, how many the search has on all pages together, and how many pages it says."""

    units: list[Unit]
    total: int
    pages: int | None


def parse_unit_page(value: JsonValue, *, what: str) -> UnitPage:
    """Read one page of a search. Raises `AnswerError`, which quotes no value."""
    answer = value if isinstance(value, dict) else _refuse(what, "is no JSON object")
    embedded = answer.get("_embedded", {})
    page = answer.get("page")
    if not isinstance(embedded, dict) or not isinstance(page, dict):
        _refuse(what, "has no _embedded or page object")
    total = _count(page, "totalElements")
    if total is None:
        _refuse(what, "does not say page.totalElements")
    items = one_or_many(embedded.get("enheter"))
    if len(items) > total:
        _refuse(what, f"says it has {total} units and gives {len(items)}")
    return UnitPage([parse_unit(item, what=what) for item in items], total, _count(page, "totalPages"))


def _count(page: JsonObject, key: str) -> int | None:
    value = page.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_unit(value: JsonValue, *, what: str) -> Unit:
    """Read one unit. Raises `AnswerError`, which quotes no value."""
    unit = value if isinstance(value, dict) else _refuse(what, "holds a unit that is no JSON object")
    orgnr = unit.get("organisasjonsnummer")
    if not isinstance(orgnr, str) or identify(without_spaces(orgnr), synthetic_allowed=True) is not IdKind.ORGNR:
        _refuse(what, "holds a unit without a valid organisasjonsnummer")
    dates = [date for key in _FLAG_DATES if (date := _date(unit, key, what))]
    return Unit(
        orgnr=without_spaces(orgnr),
        form=_form(unit),
        is_flagged=any(_is_set(unit, flag, what) for flag in FLAGS),
        flag_date=min(dates, default=None),
        is_deleted=_date(unit, "slettedato", what) is not None,
    )


def _is_set(unit: JsonObject, key: str, what: str) -> bool:
    value = unit.get(key)
    if not isinstance(value, bool | None):
        _refuse(what, f"holds a {key} that is not true or false")
    return bool(value)


def _date(unit: JsonObject, key: str, what: str) -> dt.date | None:
    text = unit.get(key)
    if text is None:
        return None
    try:
        # Some dates come with a time.
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        _refuse(what, f"holds a {key} that is no date")


def _form(unit: JsonObject) -> str | None:
    form = unit.get("organisasjonsform")
    code = form.get("kode") if isinstance(form, dict) else form
    return code if isinstance(code, str) else None


def _refuse(what: str, how: str) -> NoReturn:
    message = (
        f"{what}: the answer {how}; expected: units as Enhetsregisteret documents them. Nothing was compared. If it is no "
        "passing fault, ask Brreg, or set KONKURS_ENHETSREGISTERET_URL to off"
    )
    raise AnswerError(message)
