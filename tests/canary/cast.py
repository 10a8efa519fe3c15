"""The canaries: one invented number for each path into the pipeline. A number that is found names the path that leaked it.

All names and e-mail addresses contain one word that stands nowhere else.
"""

from __future__ import annotations

from functools import cache

from konkurs_pipeline.brreg.simulator.population import random_orgnr, random_synthetic_dnr, seeded
from tests.pipeline.kit import account_no, company, damaged, person

NAME = "Navnesen Kanarifugl"
EMAIL = "kanarifugl@bostyrer.example"
NAME_WORD = "kanarifugl"
# From Brreg's published list of test notices, without the leading zero that a spreadsheet drops.
LOST_ZERO = "8086001471"


@cache
def fnr(path: str) -> str:
    """Return the fødselsnummer that was put in `path`."""
    return _known(path, person(f"canary {path}"))


@cache
def dnr(path: str) -> str:
    """Return the D-nummer that was put in `path`."""
    return _known(path, random_synthetic_dnr(seeded(f"canary {path}")))


@cache
def orgnr(path: str) -> str:
    """Return the orgnr that was put in `path`."""
    return _known(path, company(f"canary {path}"))


@cache
def real_looking_orgnr(path: str) -> str:
    """Return an orgnr that starts as registered ones do."""
    return _known(path, random_orgnr(seeded(f"canary {path}"), leading="99"))


@cache
def damaged_fnr(path: str) -> str:
    """Return the number with a wrong check digit that was put in `path`: it still points to a person."""
    return _known(path, damaged(person(f"canary {path}")))


@cache
def misplaced_account(path: str) -> str:
    """Return the account number that was put in `path`, where none belongs."""
    return _known(path, account_no(f"canary {path}"))


# Number → the path it was put in.
CANARIES: dict[str, str] = {LOST_ZERO: "a number that lost its leading zero"}


def _known(path: str, number: str) -> str:
    CANARIES[number] = path
    return number
