"""The second source: compares what Enhetsregisteret says about a unit with the bankruptcies known from Konkursvarsel.

It checks completeness and decides nothing: no difference leads to an action. The rules, one for each function:

| difference | when |
|---|---|
| `flagged_without_notice` | a customer is flagged, and no bankruptcy that matches it is known |
| `linked_unit_unmatched` | the same for a sole proprietorship (ENK): no document names it, a sign of a wrong dataset map |
| `notice_without_flag` | a company's bankruptcy is open for more than three workdays; the unit is not flagged, nor deleted |

The two registers are not updated at the same moment, so a flag of the last three workdays is no difference yet. Source:
docs/domain.md § 10. What does not belong here: requests to Enhetsregisteret (brreg/enhetsregisteret).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.workdays import Calendar

# How many days the two registers may differ, and how long before the date of the flag the ruling may be.
GRACE_WORKDAYS: Final = 3
_SAME_BANKRUPTCY: Final = dt.timedelta(days=30)
SOLE_PROPRIETORSHIP: Final = "ENK"
# If a list lacks more units than this, and more than a fifth, compared with the longest of the last ones, it may be cut.
_MAY_GO: Final = 2
_MAY_GO_SHARE: Final = 0.2


class DifferenceKind(StrEnum):
    """How the two registers differ."""

    FLAGGED_WITHOUT_NOTICE = "flagged_without_notice"
    NOTICE_WITHOUT_FLAG = "notice_without_flag"
    LINKED_UNIT_UNMATCHED = "linked_unit_unmatched"


class ComparisonOutcome(StrEnum):
    """How a comparison ended. Only `compared` changes the known differences."""

    COMPARED = "compared"
    UNREACHABLE = "unreachable"
    SHORT_LIST = "short_list"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as Enhetsregisteret shows it. `flag_date`: the earliest date that goes with a flag, null: none is given."""

    orgnr: str
    form: str | None
    is_flagged: bool
    flag_date: dt.date | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class KnownBankruptcy:
    """The compared parts of a bankruptcy known from Konkursvarsel. `workday`: of its registration."""

    opening_uuid: str
    debtor_id: str
    state: EstateState
    ruling_date: dt.date | None
    workday: dt.date
    customer_refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. A customer is named by the bank's reference, a bankruptcy by its opening; never by a number."""

    kind: DifferenceKind
    customer_ref: str | None
    opening_uuid: str | None
    flag_date: dt.date | None = None


def unexplained_flags(
    flagged: Mapping[str, Unit],
    customers: Mapping[str, Sequence[str]],
    known: Mapping[str, Sequence[KnownBankruptcy]],
    today: dt.date,
    calendar: Calendar,
) -> Iterator[Difference]:
    """Yield a difference for each flagged customer whose flag no bankruptcy explains.

    `customers`: the number of a flagged unit → the references of the customers that have or had it; `known`: reference →
    the bankruptcies that match the customer by any number.
    """
    newest = calendar.back(today, GRACE_WORKDAYS)
    for orgnr, refs in sorted(customers.items()):
        unit = flagged[orgnr]
        if unit.flag_date is not None and unit.flag_date > newest:
            continue
        is_sole = unit.form == SOLE_PROPRIETORSHIP
        kind = DifferenceKind.LINKED_UNIT_UNMATCHED if is_sole else DifferenceKind.FLAGGED_WITHOUT_NOTICE
        for ref in sorted(set(refs)):
            if not any(_explains(each, unit) for each in known.get(ref, ())):
                yield Difference(kind, ref, None, unit.flag_date)


def _explains(bankruptcy: KnownBankruptcy, unit: Unit) -> bool:
    """Whether the flag can come from this bankruptcy: an old one that ended does not explain a new flag."""
    if bankruptcy.state is EstateState.OPEN or bankruptcy.ruling_date is None or unit.flag_date is None:
        return True
    return bankruptcy.ruling_date >= unit.flag_date - _SAME_BANKRUPTCY


def bankruptcies_to_ask_about(
    bankruptcies: Sequence[KnownBankruptcy], flagged: Mapping[str, Unit], today: dt.date, calendar: Calendar
) -> list[KnownBankruptcy]:
    """Return those that are open for more than three workdays and whose unit is not flagged, oldest first.

    `bankruptcies`: of companies. The bank asks about these one by one, as Konkursvarsel itself named their numbers.
    """
    newest = calendar.back(today, GRACE_WORKDAYS)
    waiting = [
        each
        for each in bankruptcies
        if each.state is EstateState.OPEN and each.workday < newest and each.debtor_id not in flagged
    ]
    return sorted(waiting, key=lambda each: (each.workday, each.opening_uuid))


def missing_flags(asked: Sequence[KnownBankruptcy], units: Mapping[str, Unit | None]) -> Iterator[Difference]:
    """Yield a difference for each bankruptcy whose unit is neither flagged nor deleted.

    `units`: the debtor's number → what Enhetsregisteret answered, null if it knows no such unit. A number that is
    absent was not answered for, and is not judged.
    """
    for each in asked:
        if each.debtor_id not in units:
            continue
        unit = units[each.debtor_id]
        if unit is None or not (unit.is_flagged or unit.is_deleted):
            for ref in each.customer_refs or (None,):
                yield Difference(DifferenceKind.NOTICE_WITHOUT_FLAG, ref, each.opening_uuid)


def is_far_shorter(listed: int, earlier: Sequence[int]) -> bool:
    """Whether a list is far shorter than the longest of the last ones, so that it may be cut."""
    longest = max(earlier, default=0)
    return longest - listed > max(_MAY_GO, _MAY_GO_SHARE * longest)
