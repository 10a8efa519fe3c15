"""The expanded dataset (utvidet datasett): where its fields stand, which parties it names, whether it agrees with its notice.

The shape is assumed (docs/domain.md § 5), as Brreg's field names are not public. So one declarative table,
`ASSUMED_PATHS`, has it, and a TOML file (`KONKURS_DATASET_MAP`) can change it without code. A path is keys joined by
dots; `[]` after a key means each element of a list. If a field has several paths, the first with a value counts.

Only declared paths name a party. Any other valid identifier in a document (a trustee's, the estate's own, a court's) is
at most a finding: blocking the estate's own account would stop the trustee from paying the creditors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.identifiers import IdKind, identify_all, is_utf8, without_spaces
from konkurs_pipeline.domain.notices import Notice, NoticeType

ASSUMED_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "uuid": ("uuid",),
    "type": ("type",),
    "debtor_id": ("debitor.identifikator", "debitor"),
    "debtor_name": ("debitor.navn",),
    "address_lines": ("debitor.adresse.adresselinjer",),
    "postal_code": ("debitor.adresse.postnummer",),
    "postal_place": ("debitor.adresse.poststed",),
    "ruling_date": ("kjennelsesdato",),
    "grounds": ("konkursgrunnlag",),
    "liquidation_code": ("avviklingskode",),
    "closing_code": ("avslutningskode",),
    "recommendation_date": ("innstillingsdato",),
    "fristdag": ("fristdag",),
    "fordringsfrist": ("fordringsfrist",),
    "linked_units": ("tilknyttedeEnheter",),
    "linked_unit_id": ("organisasjonsnummer",),
    "linked_unit_name": ("navn",),
    "linked_unit_form": ("organisasjonsform",),
    "trustee_id": ("bostyrer.organisasjonsnummer",),
    "trustee_name": ("bostyrer.navn",),
    "konkursbo_id": ("konkursbo.organisasjonsnummer",),
    "court_name": ("tingrett.navn",),
}
# The code lists of the documentation (docs/domain.md § 4), by field.
KNOWN_CODES: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset(kind.value for kind in NoticeType),
    "grounds": frozenset("BOT"),
    "liquidation_code": frozenset({"TVDL", "TVRE", "TVRR", "TVST", "TVBA", "TVOV"}),
    "closing_code": frozenset("MUTA"),
}
# A person's sole proprietorship, and a forced VAT registration: the forms a linked unit is known to have [spec].
LINKED_FORMS: Final = frozenset({"ENK", "TVAM"})
_IDENTIFIERS: Final = frozenset({"debtor_id", "linked_unit_id", "trustee_id", "konkursbo_id"})
ESTATE_FORM: Final = "KBO"


class Role(StrEnum):
    """What a party is to the bankruptcy."""

    DEBTOR = "debtor"
    LINKED_UNIT = "linked_unit"


@dataclass(frozen=True, slots=True)
class Party:
    """Someone whose accounts are the debtor's accounts, as one notice and its dataset name them."""

    notice_uuid: str
    national_id: str
    id_kind: IdKind
    role: Role
    name: str | None = None
    organisation_form: str | None = None
    postal_code: str | None = None
    postal_place: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document says: its parties, the first contradiction with its notice, and findings."""

    parties: tuple[Party, ...]
    contradiction: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetMap:
    """Where each field of an expanded dataset may stand."""

    paths: Mapping[str, Sequence[str]] = field(default_factory=lambda: ASSUMED_PATHS)

    def text(self, document: object, name: str) -> str | None:
        """Return the field's first value that is text, or null."""
        return next(self.texts(document, name), None)

    def texts(self, document: object, name: str) -> Iterator[str]:
        """Yield the field's values that are text and can be stored, of every path, in order; numbers without spaces."""
        values = (value for path in self.paths[name] for value in walk(document, path))
        texts = (value for value in values if isinstance(value, str) and value and is_utf8(value))
        yield from map(without_spaces, texts) if name in _IDENTIFIERS else texts

    def elements(self, document: object, name: str) -> list[object]:
        """Return the elements of the lists at the field's paths, of every path, in order."""
        lists = [value for path in self.paths[name] for value in walk(document, path) if isinstance(value, list)]
        return [element for value in lists for element in value]

    def linked_units(self, document: object) -> list[Mapping[str, object]]:
        """Return the linked units as received; anything that is no object is left out."""
        found = (value for path in self.paths["linked_units"] for value in walk(document, f"{path}[]"))
        return [unit for unit in found if isinstance(unit, dict)]


@cache
def _steps(path: str) -> tuple[tuple[str, bool], ...]:
    """Return the keys of a path, each with whether it means the elements of a list."""
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split("."))


def walk(document: object, path: str) -> Iterator[object]:
    """Yield the values at `path` (keys joined by dots, `[]` for each element of a list, or the one that stands alone)."""
    values = [document]
    for key, each in _steps(path):
        values = [value[key] for value in values if isinstance(value, dict) and key in value]
        if each:
            values = [element for value in values for element in (value if isinstance(value, list) else [value])]
    yield from values


def debtor_of(notice: Notice, *, synthetic_allowed: bool) -> Party:
    """Return the debtor that the notice names."""
    (kind,) = identify_all([notice.debtor_id], synthetic_allowed=synthetic_allowed)
    return Party(notice.uuid, notice.debtor_id, kind, Role.DEBTOR)


def read_dataset(
    notice: Notice, document: Mapping[str, object], fields: DatasetMap, *, synthetic_allowed: bool
) -> Reading:
    """Read the parties of a document and compare it with its notice.

    If the document contradicts its notice (uuid, type or debtor), the notice's debtor is the only party: what such a
    document says about others does not count.
    """
    contradiction = contradiction_of(notice, document, fields)
    if contradiction is not None:
        return Reading((debtor_of(notice, synthetic_allowed=synthetic_allowed),), contradiction)
    debtor = _named_debtor(notice, document, fields, synthetic_allowed=synthetic_allowed)
    linked, findings = _linked_parties(notice, document, fields, synthetic_allowed=synthetic_allowed)
    known = {*_never_blocked(document, fields), debtor.national_id, *(party.national_id for party in linked)}
    findings += _undeclared_identifiers(document, known, synthetic_allowed=synthetic_allowed)
    return Reading((debtor, *linked), None, tuple(findings))


def contradiction_of(notice: Notice, document: Mapping[str, object], fields: DatasetMap) -> str | None:
    """Return how a document contradicts its notice (uuid, type or debtor); null: it does not."""
    said_uuid, said_type = fields.text(document, "uuid"), fields.text(document, "type")
    if said_uuid is not None and said_uuid.lower() != notice.uuid:
        return "the document's uuid is another than its notice's"
    if said_type is not None and said_type != notice.type:
        return "the document's type is another than its notice's"
    if fields.text(document, "debtor_id") != notice.debtor_id:
        return "the document's debtor is another than its notice's"
    return None


def _named_debtor(
    notice: Notice, document: Mapping[str, object], fields: DatasetMap, *, synthetic_allowed: bool
) -> Party:
    bare = debtor_of(notice, synthetic_allowed=synthetic_allowed)
    return Party(
        bare.notice_uuid,
        bare.national_id,
        bare.id_kind,
        Role.DEBTOR,
        name=fields.text(document, "debtor_name"),
        postal_code=fields.text(document, "postal_code"),
        postal_place=fields.text(document, "postal_place"),
    )


def _linked_parties(
    notice: Notice, document: Mapping[str, object], fields: DatasetMap, *, synthetic_allowed: bool
) -> tuple[list[Party], list[str]]:
    units, findings = _units_to_read(document, fields)
    estates = (unit for unit in units if fields.text(unit, "linked_unit_form") == ESTATE_FORM)
    never = {*_never_blocked(document, fields), notice.debtor_id}
    never |= {unit_id for unit in estates if (unit_id := fields.text(unit, "linked_unit_id"))}
    parties: dict[str, Party] = {}
    for unit in units:
        unit_id, form = fields.text(unit, "linked_unit_id"), fields.text(unit, "linked_unit_form")
        if unit_id is None:
            findings.append("a linked unit has no number")
        elif unit_id in never:
            findings.append("a linked unit is the debtor itself, its trustee or the estate: left out")
        else:
            # A unit has an orgnr. We do not understand a person's number in its place, so it cannot block.
            is_orgnr = identify_all([unit_id], synthetic_allowed=synthetic_allowed) == [IdKind.ORGNR]
            kind = IdKind.ORGNR if is_orgnr else IdKind.UNKNOWN
            name = fields.text(unit, "linked_unit_name")
            parties[unit_id] = Party(notice.uuid, unit_id, kind, Role.LINKED_UNIT, name, form)
            if not is_orgnr:
                findings.append("a linked unit's number is no organisation number")
            if form is not None and form not in LINKED_FORMS:
                findings.append("a linked unit has an organisation form that is not known")
    return list(parties.values()), findings


def _units_to_read(document: Mapping[str, object], fields: DatasetMap) -> tuple[list[Mapping[str, object]], list[str]]:
    """Return the linked units and findings about them.

    If one object stands in place of the list, it must have the form of a linked unit: it may be an estate or a trustee.
    """
    listed = fields.elements(document, "linked_units")
    units = fields.linked_units(document)
    read = [
        unit
        for unit in units
        if any(unit is each for each in listed) or fields.text(unit, "linked_unit_form") in LINKED_FORMS
    ]
    is_odd = len(read) < len(units)
    return read, ["an object without a known form stands in place of the linked units: left out"] if is_odd else []


def _never_blocked(document: object, fields: DatasetMap) -> Iterator[str]:
    """Yield the numbers of every trustee and estate that a declared path names."""
    for name in ("trustee_id", "konkursbo_id"):
        yield from fields.texts(document, name)


def _undeclared_identifiers(document: object, known: set[str], *, synthetic_allowed: bool) -> list[str]:
    """Return a finding for each path with a valid identifier that no declared path explains."""
    found = ((keys, without_spaces(text)) for keys, text in _texts(document, ()))
    texts = [(keys, text) for keys, text in found if text not in known]
    kinds = identify_all([text for _, text in texts], synthetic_allowed=synthetic_allowed)
    paths = {_shown_path(keys) for (keys, _), kind in zip(texts, kinds, strict=True) if kind is not IdKind.UNKNOWN}
    return [f"an identifier stands at {path}, which is no declared place for one" for path in sorted(paths)]


def _texts(value: object, keys: tuple[str | None, ...]) -> Iterator[tuple[tuple[str | None, ...], str]]:
    """Yield every text with the keys that lead to it; null for the elements of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*keys, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, (*keys, None))
    elif isinstance(value, str):
        yield keys, value


def _shown_path(keys: Sequence[str | None]) -> str:
    return ".".join("[]" if key is None else shown(key) for key in keys).replace(".[]", "[]")
