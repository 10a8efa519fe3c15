"""The units of a simulated Enhetsregisteret, in agreement with the simulator's notices.

A company whose bankruptcy is open is flagged; one whose proceedings ended is deleted; one whose opening was deleted or
revoked is an ordinary unit. A person's bankruptcy is flagged on the sole proprietorship (ENK). Everything else of a unit is
invented. What does not belong here: HTTP (search.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from konkurs_pipeline.brreg.simulator.datasets import enk_of, expanded_dataset
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, oslo_date
from konkurs_pipeline.brreg.simulator.population import seeded
from konkurs_pipeline.domain.estates import Estate, EstateState, fold_estates
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.notices import Notice

UnitJson = dict[str, Any]
# The date that mirrors each avviklingskode; the register has none for TVBA.
_DATE_OF_CODE: Final = {
    "TVDL": "tvangsopplostPgaManglendeDagligLederDato",
    "TVRE": "tvangsopplostPgaManglendeRevisorDato",
    "TVRR": "tvangsopplostPgaManglendeRegnskapDato",
    "TVST": "tvangsopplostPgaMangelfulltStyreDato",
    "TVOV": "tvangsavvikletPgaManglendeSlettingDato",
}
_FIRST_REGISTERED: Final = dt.date(1995, 2, 19)
_DAYS_OF_REGISTRATION: Final = 8000


def units_of(notices: Iterable[SimulatedNotice], changes: Mapping[str, UnitJson | None]) -> dict[str, UnitJson]:
    """Return the units by number, in order; `changes`: fields that differ from the notices, null: there is no such unit."""
    known = {notice.uuid: notice for notice in notices}
    fold = fold_estates(map(_as_notice, known.values()))
    units: dict[str, UnitJson] = {}
    for estate in fold.estates:
        if unit := _unit_of(estate, known[estate.opening.uuid]):
            units[unit["organisasjonsnummer"]] = unit
    for orgnr, fields in changes.items():
        if fields is None:
            units.pop(orgnr, None)
        else:
            units[orgnr] = {**units.get(orgnr, _plain_unit(orgnr, "AS")), **fields}
    return dict(sorted(units.items()))


def _as_notice(notice: SimulatedNotice) -> Notice:
    return Notice(
        notice.uuid,
        notice.type,
        notice.registered_at,
        notice.registered_at_text,
        notice.ruling_date,
        notice.debtor_id,
    )


def _unit_of(estate: Estate, opening: SimulatedNotice) -> UnitJson | None:
    kind = identify(estate.opening.debtor_id, synthetic_allowed=True)
    if kind is IdKind.UNKNOWN:
        return None
    orgnr, form = (enk_of(opening.debtor_id), "ENK") if kind.is_person else (opening.debtor_id, "AS")
    unit = _plain_unit(orgnr, form)
    if estate.state is EstateState.OPEN:
        return {**unit, **_flags(opening)}
    if estate.state is EstateState.CLOSED and not kind.is_person:
        return {"organisasjonsnummer": orgnr, "slettedato": oslo_date(estate.state_since).isoformat()}
    return unit


def _flags(opening: SimulatedNotice) -> UnitJson:
    date = (opening.ruling_date or oslo_date(opening.registered_at)).isoformat()
    code = expanded_dataset(opening, "")["avviklingskode"]
    if code is None:
        return {"konkurs": True, "konkursdato": date}
    dated = {_DATE_OF_CODE[code]: date} if code in _DATE_OF_CODE else {}
    return {"underTvangsavviklingEllerTvangsopplosning": True, **dated}


def _plain_unit(orgnr: str, form: str) -> UnitJson:
    days = seeded(f"registrert|{orgnr}").randrange(_DAYS_OF_REGISTRATION)
    return {
        "organisasjonsnummer": orgnr,
        "navn": f"OPPDIKTET {form} {orgnr[-4:]}",
        "organisasjonsform": {"kode": form},
        "registreringsdatoEnhetsregisteret": (_FIRST_REGISTERED + dt.timedelta(days=days)).isoformat(),
        "konkurs": False,
        "underAvvikling": False,
        "underTvangsavviklingEllerTvangsopplosning": False,
    }
