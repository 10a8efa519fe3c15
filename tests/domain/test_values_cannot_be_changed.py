"""The input of a rule cannot change, or the same input could lead to another decision the second time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final

import pytest

from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.settlement import Settlement
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.documents.datasets import DatasetMap, Party, Reading, Role
from konkurs_pipeline.domain.estates import Estate, Fold
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.matching import Match, MatchedVia
from konkurs_pipeline.domain.workdays import Calendar, Window
from tests.domain.invented import COMPANY, aapning, uuid_of

DAY: Final = dt.date(2018, 6, 8)
VIA: Final = MatchedVia.DEBTOR
OPENING: Final = aapning("opening", 0)
VALUES: Final[list[Any]] = [
    OPENING,
    Estate(OPENING),
    Fold((), ()),
    Match(OPENING.uuid, "K-1", VIA),
    Account("97100000000", "owner"),
    Action(ActionKind.BLOCK, "K-1", None, OPENING, VIA, Reason.ESTATE_OPEN),
    Issued(uuid_of("block"), ActionKind.BLOCK, OPENING.uuid, "K-1", None, VIA, ActionStatus.EXPORTED),
    Situation(Fold((), ())),
    Settlement((), (), {}),
    Party(OPENING.uuid, COMPANY, IdKind.ORGNR, Role.DEBTOR),
    Reading(()),
    DatasetMap(),
    Calendar(DAY),
    Window(DAY, DAY, DAY),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_of_the_domain_cannot_be_changed(value: Any) -> None:  # noqa: ANN401 -- one of each kind
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_two_values_with_the_same_content_are_equal(value: Any) -> None:  # noqa: ANN401 -- as above
    assert dataclasses.replace(value) == value
