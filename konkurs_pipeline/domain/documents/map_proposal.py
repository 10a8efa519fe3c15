"""Proposes a dataset map from documents that have another shape than assumed.

It judges a place first by its values (the list's own uuid, type, debitor and kjennelsesdato; known codes; organisation
numbers that pass their check), then by its name. It proposes a place only if it fits one field and no other place does. A
person chooses the rest. A wrong debtor or linked unit would block an innocent customer. So a debtor's place must hold the
list's debitor in every document that has it. For linked units see `domain.documents.linked_unit_places`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from konkurs_pipeline.domain.documents.datasets import KNOWN_CODES, DatasetMap
from konkurs_pipeline.domain.documents.linked_unit_places import UnitList, unit_lists
from konkurs_pipeline.domain.documents.places import (
    COURT,
    DEBTOR,
    KONKURSBO,
    NAME,
    NEVER_BLOCKED,
    NUMBER,
    TRUSTEE,
    Document,
    Texts,
    leaf_words,
    parent,
    path_words,
    texts_of,
)
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.notices import Notice, NoticeType

_POSTAL_CODE_DIGITS: Final = 4
_IN_UNIT: Final = ("linked_unit_id", "linked_unit_name", "linked_unit_form")


@dataclass(frozen=True, slots=True)
class ReceivedDocument:
    """A notice and its document."""

    notice: Notice
    document: Document


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may hold a field. `count` of the `of` documents that lack the field have it."""

    path: str
    count: int
    of: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The proposal for a field: all its new paths; or null, and the candidates that a person may choose from."""

    field: str
    paths: tuple[str, ...] | None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class _FieldRule:
    """How to recognise a field: by a value of the list, by the shape of its values, by its name, and in which notices."""

    equals: Callable[[Notice], str | None] | None = None
    shape: Callable[[str], bool] = lambda _: True
    shape_suffices: bool = False
    leaf: frozenset[str] = frozenset()
    owner: frozenset[str] = frozenset()
    only_in: str | None = None
    evidence: str = "its name"


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_orgnr(text: str) -> bool:
    return identify(text, synthetic_allowed=True) is IdKind.ORGNR


def _is_postal_code(text: str) -> bool:
    return len(text) == _POSTAL_CODE_DIGITS and text.isascii() and text.isdigit()


def _is_code_of(name: str) -> Callable[[str], bool]:
    return lambda text: text in KNOWN_CODES[name]


def _codes(name: str, only_in: str | None = None) -> _FieldRule:
    return _FieldRule(shape=_is_code_of(name), shape_suffices=True, only_in=only_in, evidence="its known codes")


def _number_of(owner: frozenset[str]) -> _FieldRule:
    return _FieldRule(shape=_is_orgnr, leaf=NUMBER | owner, owner=owner, evidence="its name and organisation numbers")


def _ruling_date(notice: Notice) -> str | None:
    return notice.ruling_date.isoformat() if notice.ruling_date else None


_RULES: Final[Mapping[str, _FieldRule]] = {
    "uuid": _FieldRule(equals=lambda notice: notice.uuid, evidence="the list's uuid"),
    "type": _FieldRule(equals=lambda notice: notice.type, evidence="the list's type"),
    "debtor_id": _FieldRule(equals=lambda notice: notice.debtor_id, evidence="the list's debitor"),
    "ruling_date": _FieldRule(equals=_ruling_date, evidence="the list's kjennelsesdato"),
    "grounds": _codes("grounds"),
    "liquidation_code": _codes("liquidation_code"),
    "closing_code": _codes("closing_code", NoticeType.AVSLUTNING),
    "recommendation_date": _FieldRule(
        shape=_is_date,
        leaf=frozenset({"innstillingsdato", "innstilling", "innstillingdato", "recommendation"}),
        only_in=NoticeType.AVSLUTNING,
        evidence="its name and dates",
    ),
    "fristdag": _FieldRule(shape=_is_date, leaf=frozenset({"fristdag"}), evidence="its name and dates"),
    "fordringsfrist": _FieldRule(
        shape=_is_date, leaf=frozenset({"fordringsfrist", "kravfrist"}), evidence="its name and dates"
    ),
    "debtor_name": _FieldRule(leaf=NAME | DEBTOR, owner=DEBTOR),
    "address_lines": _FieldRule(
        leaf=frozenset({"adresselinjer", "adresselinje", "adresse", "addresslines"}), owner=DEBTOR
    ),
    "postal_code": _FieldRule(
        shape=_is_postal_code,
        leaf=frozenset({"postnummer", "postnr", "postkode", "postalcode", "postcode", "zip"}),
        owner=DEBTOR,
        evidence="its name and four digits",
    ),
    "postal_place": _FieldRule(leaf=frozenset({"poststed", "postalplace", "city", "sted"}), owner=DEBTOR),
    "trustee_id": _number_of(TRUSTEE),
    "trustee_name": _FieldRule(leaf=NAME | TRUSTEE, owner=TRUSTEE),
    "konkursbo_id": _number_of(KONKURSBO),
    "court_name": _FieldRule(leaf=NAME | COURT, owner=COURT),
}


def propose(received: Sequence[ReceivedDocument], fields: DatasetMap) -> list[Choice]:
    """Return a choice for each field that documents lack, if a place may hold it or no document has it."""
    documents = [each.document for each in received]
    judged = _Judge(received, fields, texts_of(documents), _declared(fields))
    debtor = judged.choose("debtor_id")
    homes = {parent(path) for path in (debtor.paths or () if debtor else ()) if parent(path)}
    judged = replace(judged, debtor_homes=frozenset(homes))
    others = (judged.choose(name) for name in _RULES if name != "debtor_id")
    choices = [choice for choice in (debtor, *others) if choice is not None]
    return [*_without_doubles(choices, fields), *_propose_units(received, fields)]


def _declared(fields: DatasetMap) -> frozenset[str]:
    return frozenset(path for name, paths in fields.paths.items() if name not in _IN_UNIT for path in paths)


@dataclass(frozen=True)
class _Judge:
    received: Sequence[ReceivedDocument]
    fields: DatasetMap
    texts: Texts
    declared: frozenset[str]
    debtor_homes: frozenset[str] = field(default_factory=frozenset)

    def choose(self, name: str) -> Choice | None:
        rule = _RULES[name]
        concerned = {n for n, each in enumerate(self.received) if rule.only_in in (None, each.notice.type)}
        lacking = {number for number in concerned if self._lacks(name, rule, self.received[number])}
        if not lacking:
            return None
        found = list(self._candidates(name, rule, lacking))
        fitting = [candidate for candidate, fits in found if fits]
        chosen = self._unique(name, fitting, lacking)
        if chosen:
            return Choice(name, self._paths(name, chosen, found_nowhere=lacking == concerned))
        if found or lacking == concerned:
            return Choice(name, None, tuple(fitting or [candidate for candidate, _ in found]))
        return None

    def _lacks(self, name: str, rule: _FieldRule, each: ReceivedDocument) -> bool:
        found_text = self.fields.text(each.document, name)
        if rule.equals is None:
            return found_text is None and not self.fields.elements(each.document, name)
        wanted = rule.equals(each.notice)
        return wanted is not None and (found_text is None or found_text.lower() != wanted.lower())

    def _candidates(self, name: str, rule: _FieldRule, lacking: Collection[int]) -> Iterator[tuple[Candidate, bool]]:
        """Yield the places that may hold the field; the flag says whether one may be proposed without a person."""
        for path, per_document in self.texts.items():
            here = len(per_document.keys() & lacking)
            # If a debtor's declared place holds another number, another place must replace it.
            if not here or path in self.declared or not self._holds(rule, per_document):
                continue
            named = self._is_named(path, rule)
            in_list = "[]" in path.removesuffix("[]") or ("[]" in path and name != "address_lines")
            fits = (named or rule.equals is not None or rule.shape_suffices) and not in_list
            if fits or (rule.shape is not _ANYTHING and not path_words(path) & (NEVER_BLOCKED - rule.owner)):
                evidence = rule.evidence if fits else "the shape of its values only"
                yield Candidate(path.removesuffix("[]"), here, len(lacking), evidence), fits

    def _holds(self, rule: _FieldRule, per_document: Mapping[int, Sequence[str]]) -> bool:
        """Whether the field can have every value at a place, in every document."""
        return all(
            self._may_be(rule, self.received[number].notice, value)
            for number, values in per_document.items()
            for value in values
        )

    def _may_be(self, rule: _FieldRule, notice: Notice, value: str) -> bool:
        if rule.equals is not None:
            return value.lower() == (rule.equals(notice) or "").lower()
        return rule.only_in in (None, notice.type) and rule.shape(value)

    def _is_named(self, path: str, rule: _FieldRule) -> bool:
        found_text, others = path_words(path), NEVER_BLOCKED | DEBTOR
        in_home = rule.owner == DEBTOR and any(path.startswith(f"{home}.") for home in self.debtor_homes)
        if found_text & (others - rule.owner) and not (in_home and not found_text & NEVER_BLOCKED):
            return False
        return bool(leaf_words(path) & rule.leaf) and (not rule.owner or in_home or bool(found_text & rule.owner))

    def _unique(self, name: str, fitting: Sequence[Candidate], lacking: Collection[int]) -> tuple[str, ...]:
        """Return the one place that fits, or several if no document has two of them (types differ in their documents)."""
        covers = [self.texts.get(each.path, self.texts.get(f"{each.path}[]", {})).keys() & lacking for each in fitting]
        if sum(len(cover) for cover in covers) == len(set().union(*covers)):
            return tuple(each.path for each in fitting)
        named = [each.path for each in fitting if self._is_named(each.path, _NAMES.get(name, _RULES[name]))]
        return tuple(named) if len(named) == 1 else ()

    def _paths(self, name: str, chosen: Sequence[str], *, found_nowhere: bool) -> tuple[str, ...]:
        # A debtor's declared place may hold another number: the place that holds the debitor must come first.
        first = found_nowhere or name == "debtor_id"
        return (*chosen, *self.fields.paths[name]) if first else (*self.fields.paths[name], *chosen)


_ANYTHING: Final = _FieldRule().shape
# If the values fit several places, the name decides.
_NAMES: Final = {
    "uuid": _FieldRule(leaf=frozenset({"uuid"})),
    "type": _FieldRule(leaf=frozenset({"type", "varseltype"})),
    "debtor_id": _FieldRule(leaf=NUMBER | DEBTOR, owner=DEBTOR),
    "ruling_date": _FieldRule(leaf=frozenset({"kjennelsesdato", "kjennelse", "konkursdato", "rulingdate"})),
    "grounds": _FieldRule(leaf=frozenset({"konkursgrunnlag", "grunnlag", "grunnlagskode", "grounds"})),
    "closing_code": _FieldRule(leaf=frozenset({"avslutningskode", "avslutning", "avslutningsmåte", "closingcode"})),
    "liquidation_code": _FieldRule(leaf=frozenset({"avviklingskode", "avvikling", "liquidationcode"})),
}


def _without_doubles(choices: Sequence[Choice], fields: DatasetMap) -> list[Choice]:
    """Leave a place to a person if it was proposed for two fields."""
    new = {choice.field: set(choice.paths or ()) - set(fields.paths[choice.field]) for choice in choices}
    claims = Counter(path for paths in new.values() for path in paths)
    doubled = {path for path, count in claims.items() if count > 1}
    return [_undecided(choice, doubled & new[choice.field]) for choice in choices]


def _undecided(choice: Choice, doubled: Collection[str]) -> Choice:
    if not doubled:
        return choice
    candidates = tuple(Candidate(path, 0, 0, "fits another field too") for path in sorted(doubled))
    return Choice(choice.field, None, candidates)


def _propose_units(received: Sequence[ReceivedDocument], fields: DatasetMap) -> list[Choice]:
    people = [each for each in received if identify(each.notice.debtor_id, synthetic_allowed=True).is_person]
    units = [unit for each in people for unit in fields.linked_units(each.document)]
    if not people or (units and all(fields.text(unit, "linked_unit_id") for unit in units)):
        return []
    found = list(unit_lists([each.notice for each in received], [each.document for each in received]))
    fitting = [unit_list for unit_list in found if unit_list.why_not is None]
    if len(fitting) == 1:
        return list(_unit_choices(fitting[0], fields))
    evidence = [(each, each.why_not or "its numbers and forms") for each in (fitting or found)]
    return [
        Choice(
            "linked_units", None, tuple(Candidate(each.path, each.count, len(people), why) for each, why in evidence)
        )
    ]


def _unit_choices(units: UnitList, fields: DatasetMap) -> Iterator[Choice]:
    for name, path in {"linked_units": units.path, **units.inside}.items():
        if path not in fields.paths[name]:
            # Within a unit the found place comes first: another field may have the assumed name there.
            yield Choice(name, (path, *fields.paths[name]))
