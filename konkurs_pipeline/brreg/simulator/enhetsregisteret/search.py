"""Enhetsregisteret's search and single units, as the open API serves them: `/enhetsregisteret/api/enheter`.

Pages are counted from 0. A search shows only its first `search_shows` units, and answers 400 for a page beyond them. What
does not belong here: which units there are (units.py), faults and HTTP (app.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from konkurs_pipeline.brreg.simulator.enhetsregisteret.units import UnitJson

BASE_PATH: Final = "/enhetsregisteret/api"
UNITS_PATH: Final = f"{BASE_PATH}/enheter"
_DEFAULT_SIZE: Final = 20
_DATE_FIELD: Final = "registreringsdatoEnhetsregisteret"
_Matches = Callable[[UnitJson, str], bool]


def _flag(name: str) -> _Matches:
    return lambda unit, wanted: bool(unit.get(name)) is (wanted == "true")


_FILTERS: Final[Mapping[str, _Matches]] = {
    "konkurs": _flag("konkurs"),
    "underTvangsavviklingEllerTvangsopplosning": _flag("underTvangsavviklingEllerTvangsopplosning"),
    "organisasjonsnummer": lambda unit, wanted: unit["organisasjonsnummer"] in wanted.split(","),
    "organisasjonsform": lambda unit, wanted: unit.get("organisasjonsform", {}).get("kode") in wanted.split(","),
    "fraRegistreringsdatoEnhetsregisteret": lambda unit, wanted: unit.get(_DATE_FIELD, "") >= wanted,
    "tilRegistreringsdatoEnhetsregisteret": lambda unit, wanted: unit.get(_DATE_FIELD, "") <= wanted,
}
_NOT_FILTERS: Final = frozenset({"page", "size", "sort"})


def search(
    units: Mapping[str, UnitJson], query: Mapping[str, str], *, address: str, search_shows: int
) -> dict[str, Any]:
    """Return a page of the units that match `query`. Raises `ValueError` for a query that is refused (400)."""
    if unknown := set(query) - set(_FILTERS) - _NOT_FILTERS:
        message = f"unknown parameters: {len(unknown)}"
        raise ValueError(message)
    page, size = int(query.get("page", "0")), int(query.get("size", str(_DEFAULT_SIZE)))
    if page < 0 or size < 1 or (page + 1) * size > search_shows:
        message = f"a search shows its first {search_shows} units only"
        raise ValueError(message)
    # A deleted unit is in no search.
    found = [unit for unit in units.values() if "slettedato" not in unit and _matches_all(unit, query)]
    shown = found[page * size : (page + 1) * size]
    document: dict[str, Any] = {"_embedded": {"enheter": shown}} if shown else {}
    total_pages = -(-len(found) // size)
    return {
        **document,
        "_links": {"self": {"href": address}},
        "page": {"size": size, "totalElements": len(found), "totalPages": total_pages, "number": page},
    }


def _matches_all(unit: UnitJson, query: Mapping[str, str]) -> bool:
    return all(_FILTERS[name](unit, wanted) for name, wanted in query.items() if name in _FILTERS)
