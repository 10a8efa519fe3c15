"""Invented expanded datasets (utvidet datasett) in the assumed shape of docs/domain.md § 5, fixed for a notice.

Everything is drawn from the debtor's identifier or the notice's uuid, so that a test or the demo's register
can know the numbers beforehand (`enk_of`, `tvam_of`, `estate_of`, `trustee_of`). Each kind of unit has a
leading digit of its own (population.py says why none is 8 or 9). Every document holds numbers that must never
be blocked: the trustee's and the estate's. Code lists: docs/domain.md § 4.

What does not belong here: the HTTP answer around a document (app.py), reading one (brreg/wire).
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any, Final

from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, oslo_date
from konkurs_pipeline.brreg.simulator.population import random_orgnr, seeded
from konkurs_pipeline.domain.notices import NoticeType

# The one person of Brreg's list who is given a TVAM (forced VAT registration) beside the sole proprietorship.
PERSON_WITH_TVAM: Final = "21097400153"
_PERSON_DIGITS: Final = 11
_TRUSTEES: Final = 40
_WEIGHT_OF_PETITION: Final = (6, 2, 2)
_WINDING_UP_CODES: Final = ("TVDL", "TVRE", "TVRR", "TVST", "TVBA", "TVOV")
_CLOSING_CODES: Final = ("M", "U", "T", "A")
_FIRST_NAMES: Final = ("Fiktiva", "Prøvar", "Tenkta", "Oppdikt", "Eksempla", "Liksom")
_LAST_NAMES: Final = ("Testesen", "Påfunnsrud", "Fantasidal", "Skinnvik", "Narrestad", "Luftslott")
_TRADES: Final = ("Luftslott", "Fantasi", "Regnbue", "Skodde", "Drømme", "Ekko")
_BUSINESSES: Final = ("handel", "bygg", "frakt", "kafé", "rør", "konsult")


def enk_of(debtor_id: str) -> str:
    """Return the orgnr of the sole proprietorship (ENK) that a person's dataset lists."""
    return random_orgnr(_drawn_from("enk", debtor_id), leading="2")


def tvam_of(debtor_id: str) -> str:
    """Return the orgnr of the forced VAT registration; only `PERSON_WITH_TVAM`'s dataset lists one."""
    return random_orgnr(_drawn_from("tvam", debtor_id), leading="5")


def estate_of(debtor_id: str) -> str:
    """Return the orgnr of the debtor's bankruptcy estate (konkursbo): never to be blocked."""
    return random_orgnr(_drawn_from("konkursbo", debtor_id), leading="7")


def trustee_of(debtor_id: str) -> str:
    """Return the orgnr of the trustee (bostyrer), one of forty for all estates: never to be blocked."""
    return random_orgnr(seeded(f"bostyrer|{_trustee_number(debtor_id)}"), leading="1")


def expanded_dataset(notice: SimulatedNotice, href: str) -> dict[str, Any]:
    """Return the invented document of `notice`, ready for JSON; `href` is its own address."""
    return {
        "uuid": notice.uuid,
        "type": notice.type,
        "registreringstidspunkt": notice.registered_at_text,
        "kjennelsesdato": notice.ruling_date.isoformat() if notice.ruling_date else None,
        "debitor": _debtor(notice.debtor_id),
        **_codes(notice),
        **_deadlines(notice),
        "tingrett": {"navn": "Fantasiby tingrett"},
        "bostyrer": _trustee(notice.debtor_id),
        "konkursbo": {
            "organisasjonsnummer": estate_of(notice.debtor_id),
            "navn": f"{_name_of(notice.debtor_id)} KONKURSBO",
        },
        "tilknyttedeEnheter": _linked_units(notice.debtor_id),
        "_links": {"self": {"href": href}},
    }


def _drawn_from(what: str, text: str) -> random.Random:
    return seeded(f"{what}|{text}")


def _is_person(debtor_id: str) -> bool:
    return len(debtor_id) == _PERSON_DIGITS


def _trustee_number(debtor_id: str) -> int:
    return _drawn_from("bostyrer", debtor_id).randrange(_TRUSTEES)


def _name_of(debtor_id: str) -> str:
    rng = _drawn_from("navn", debtor_id)
    if _is_person(debtor_id):
        return f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"
    return f"{rng.choice(_TRADES)}{rng.choice(_BUSINESSES)} (oppdiktet) AS"


def _debtor(debtor_id: str) -> dict[str, Any]:
    house = _drawn_from("adresse", debtor_id).randint(1, 99)
    return {
        "identifikator": debtor_id,
        "navn": _name_of(debtor_id),
        "adresse": {
            "adresselinjer": [f"Oppdiktet vei {house}"],
            "postnummer": "0000",
            "poststed": "FANTASIBY",
        },
    }


def _codes(notice: SimulatedNotice) -> dict[str, str | None]:
    rng = _drawn_from("grunnlag", notice.debtor_id)
    ground = rng.choices("BOT", weights=_WEIGHT_OF_PETITION)[0]
    if _is_person(notice.debtor_id) and ground == "T":
        # Only a company can be wound up by force (tvangsavvikling).
        ground = "B"
    is_closing = notice.type == NoticeType.AVSLUTNING
    closing = _drawn_from("avslutning", notice.uuid)
    return {
        "konkursgrunnlag": ground,
        "avviklingskode": rng.choice(_WINDING_UP_CODES) if ground == "T" else None,
        "avslutningskode": closing.choice(_CLOSING_CODES) if is_closing else None,
        "innstillingsdato": _days_from(notice, 0).isoformat() if is_closing else None,
    }


def _deadlines(notice: SimulatedNotice) -> dict[str, str]:
    return {
        "fristdag": _days_from(notice, -9).isoformat(),
        "fordringsfrist": _days_from(notice, 30).isoformat(),
    }


def _days_from(notice: SimulatedNotice, days: int) -> dt.date:
    return (notice.ruling_date or oslo_date(notice.registered_at)) + dt.timedelta(days=days)


def _trustee(debtor_id: str) -> dict[str, str]:
    number = _trustee_number(debtor_id)
    return {
        "navn": f"Advokat {_LAST_NAMES[number % len(_LAST_NAMES)]} (oppdiktet {number})",
        "organisasjonsnummer": trustee_of(debtor_id),
        "epost": f"bostyrer{number}@advokat.example",
        "telefon": "+47 00 00 00 00",
    }


def _linked_units(debtor_id: str) -> list[dict[str, str]]:
    if not _is_person(debtor_id):
        return []
    name = _name_of(debtor_id)
    units = [{"organisasjonsnummer": enk_of(debtor_id), "navn": f"{name} ENK", "organisasjonsform": "ENK"}]
    if debtor_id == PERSON_WITH_TVAM:
        units.append({"organisasjonsnummer": tvam_of(debtor_id), "navn": f"{name} TVAM", "organisasjonsform": "TVAM"})
    return units
