"""The notices the simulator serves, and Brreg's published list of test notices.

The list (data/brreg_test_notices.csv) has no rulings' dates: they are made up here, the Oslo date of
registration. What does not belong here: expanded datasets (datasets.py), generated notices (generator.py).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import StoreError

TEST_NOTICES: Final = "brreg_test_notices.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNotice:
    """One notice as the simulator serves it, and from when (and until when) it does.

    Instants are UTC. `ruling_date` is the kjennelsesdato (null in the list where None). `type` and
    `debtor_id` may be any text, as scenarios try what the register has never sent. Two of one uuid whose
    times of being visible do not overlap are a notice that changes; `visible_until` alone is one that goes
    away. `dataset` is the expanded dataset's raw text, served as it stands instead of the invented one.
    """

    uuid: str
    type: str
    registered_at: dt.datetime
    registered_at_text: str
    debtor_id: str
    ruling_date: dt.date | None
    visible_from: dt.datetime
    visible_until: dt.datetime | None = None
    dataset: str | None = None

    @property
    def order(self) -> tuple[dt.datetime, str]:
        """The key a list is ordered by: registration time, then uuid."""
        return self.registered_at, self.uuid

    def is_visible(self, now: dt.datetime) -> bool:
        """Whether the service gives this notice at `now`."""
        return self.visible_from <= now and (self.visible_until is None or now < self.visible_until)


def simulated_notice(  # noqa: PLR0913 - the fields of a notice, most with the default that tests want
    *,
    uuid: str,
    type: str,  # noqa: A002 - the wire's own name for it
    registered_at: dt.datetime,
    debtor_id: str,
    ruling_date: dt.date | None = None,
    registered_at_text: str | None = None,
    visible_from: dt.datetime | None = None,
    visible_until: dt.datetime | None = None,
    dataset: str | None = None,
) -> SimulatedNotice:
    """Return a notice, visible from its registration and written with milliseconds unless the arguments say otherwise."""
    return SimulatedNotice(
        uuid=uuid,
        type=type,
        registered_at=registered_at.astimezone(dt.UTC),
        registered_at_text=instant_text(registered_at) if registered_at_text is None else registered_at_text,
        debtor_id=debtor_id,
        ruling_date=ruling_date,
        visible_from=registered_at if visible_from is None else visible_from,
        visible_until=visible_until,
        dataset=dataset,
    )


def oslo_date(instant: dt.datetime) -> dt.date:
    """Return the Norwegian calendar date of an instant."""
    return instant.astimezone(OSLO).date()


def path_of_test_notices() -> Path:
    """Return where Brreg's test notices are: in the installed package, or else in the checkout.

    Raises `StoreError` if neither has them.
    """
    package = Path(str(resources.files("konkurs_pipeline")))
    for path in (package / "resources" / TEST_NOTICES, package.parent / "data" / TEST_NOTICES):
        if path.is_file():
            return path
    message = f"Brreg's test notices ({TEST_NOTICES}) are missing from this installation: install the package again"
    raise StoreError(message)


def load_test_notices() -> list[SimulatedNotice]:
    """Return Brreg's 15 test notices, in order of registration, each visible from its registration."""
    with path_of_test_notices().open(encoding="utf-8", newline="") as file:
        return sorted((_read_row(row) for row in csv.DictReader(file)), key=lambda notice: notice.order)


def _read_row(row: Mapping[str, str]) -> SimulatedNotice:
    text = row["registreringstidspunkt"]
    registered_at = dt.datetime.fromisoformat(text)
    return simulated_notice(
        uuid=row["uuid"],
        type=row["type"],
        registered_at=registered_at,
        registered_at_text=text,
        debtor_id=row["debitor"],
        ruling_date=oslo_date(registered_at),
    )
