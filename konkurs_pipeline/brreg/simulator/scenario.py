"""A scenario: a TOML file that says what the simulator serves, and which faults it commits.

    page_size = 100                    # lists in pages of so many; all on one where not set
    brreg_test_list = true             # Brreg's 15 published test notices; default false

    [clock]                            # without it, the real time: notices of the past are visible at once
    starts_at = 2018-06-08T11:30:00Z   # what the time is when the simulator starts
    speed = 3600                       # how many times as fast as the real one; default 1

    [generated]                        # invented years with the register's volumes
    seed = 1
    first = 2024-01-01
    last = 2024-12-31

    [[notice]]                         # any number of notices of one's own
    uuid = "0b1f6a7e-8f52-4a55-9c37-000000000001"
    type = "aapning"                   # any text: unknown types are worth trying
    registered_at = 2018-06-08T11:32:40.200Z
    registered_at_text = "…"           # as the wire has it; default UTC with milliseconds
    debtor = "910375237"               # any text
    ruling_date = 2018-06-08           # null where not set
    visible_from = 2018-06-08T11:45:00Z    # default registered_at; later is a late notice
    visible_until = 2018-06-09T00:00:00Z   # default never
    dataset = '''{"uuid": "…"}'''      # the expanded dataset as it stands; an invented one where not set

    [[unit]]                           # what Enhetsregisteret says besides the notices, any number
    organisasjonsnummer = "910425463"
    konkurs = true                     # also konkursdato, organisasjonsform and slettedato
    unknown = false                    # true: it has no such unit

    [[fault]]                          # any number; kinds and their parameters are in faults.py
    kind = "status"
    resource = "dataset"               # list, dataset, root, units or any (default)
    uuid = "…"                         # of datasets: only this notice's
    from_request = 2                   # from the second matching request on; default 1
    times = 3                          # so many times; always where not set
    status = 429
    headers = { Retry-After = "2" }

The sources of notices add up. What does not belong here: what a fault does (fault_answers.py).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from starlette.applications import Starlette

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.clock import RunningClock
from konkurs_pipeline.brreg.simulator.enhetsregisteret.units import UnitJson
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, load_test_notices, simulated_notice
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.redaction import redact

# Texts that may hold an identifier or a name in a form that redaction does not know: never quoted.
_NEVER_QUOTED: Final = frozenset({"debtor", "dataset", "body", "organisasjonsnummer"})
_QUOTED_AT_MOST: Final = 80


@dataclass(frozen=True)
class Scenario:
    """What the simulator serves: notices, faults and paging, and by which clock."""

    notices: tuple[SimulatedNotice, ...]
    faults: tuple[Fault, ...] = ()
    page_size: int | None = None
    now: Clock = utc_now
    unit_changes: Mapping[str, UnitJson | None] = field(default_factory=dict)

    def build_app(self) -> Starlette:
        """Return the app that serves it."""
        app = build_app(self.notices, now=self.now, faults=self.faults, page_size=self.page_size)
        app.state.simulation.unit_changes = dict(self.unit_changes)
        return app


class _ScenarioTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ScenarioClock(_ScenarioTable):
    starts_at: AwareDatetime
    speed: Annotated[float, Field(gt=0)] = 1.0


class _GeneratedNotices(_ScenarioTable):
    seed: int
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.first > self.last:
            message = "first lies after last: give the earlier day first"
            raise ValueError(message)
        return self


class _ScenarioNotice(_ScenarioTable):
    uuid: Annotated[str, Field(min_length=1)]
    type: str
    registered_at: AwareDatetime
    registered_at_text: str | None = None
    debtor: str
    ruling_date: dt.date | None = None
    visible_from: AwareDatetime | None = None
    visible_until: AwareDatetime | None = None
    dataset: str | None = None

    def to_notice(self) -> SimulatedNotice:
        return simulated_notice(debtor_id=self.debtor, **self.model_dump(exclude={"debtor"}))


class _ScenarioUnit(_ScenarioTable):
    organisasjonsnummer: Annotated[str, Field(pattern=r"^[0-9]{9}$")]
    organisasjonsform: str | None = None
    konkurs: bool | None = None
    konkursdato: dt.date | None = None
    slettedato: dt.date | None = None
    unknown: bool = False

    def to_change(self) -> UnitJson | None:
        if self.unknown:
            return None
        fields = self.model_dump(mode="json", exclude={"organisasjonsnummer", "unknown"}, exclude_none=True)
        form = fields.pop("organisasjonsform", None)
        return {**fields, **({"organisasjonsform": {"kode": form}} if form else {})}


class _ScenarioFile(_ScenarioTable):
    page_size: Annotated[int, Field(ge=1)] | None = None
    brreg_test_list: bool = False
    clock: _ScenarioClock | None = None
    generated: _GeneratedNotices | None = None
    notice: list[_ScenarioNotice] = Field(default_factory=list)
    unit: list[_ScenarioUnit] = Field(default_factory=list)
    fault: list[Fault] = Field(default_factory=list)

    def notices(self) -> list[SimulatedNotice]:
        listed = load_test_notices() if self.brreg_test_list else []
        made = self.generated
        generated = generate_notices(made.seed, made.first, made.last) if made else []
        return listed + generated + [each.to_notice() for each in self.notice]


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Its clock, if it has one, starts now.

    Raises `UsageError`, one line for each thing that is wrong with it.
    """
    file = _parse(path, _read(path))
    now = RunningClock(file.clock.starts_at, speed=file.clock.speed) if file.clock else utc_now
    changes = {each.organisasjonsnummer: each.to_change() for each in file.unit}
    return Scenario(tuple(file.notices()), tuple(file.fault), file.page_size, now, changes)


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"scenario {path} cannot be read ({error.strerror}): give the path of a readable file"
    except UnicodeDecodeError:
        message = f"scenario {path} is not UTF-8: save it as UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        message = f"scenario {path} is not TOML: {redact(str(error))}"
    raise UsageError(message)


def _parse(path: Path, content: dict[str, object]) -> _ScenarioFile:
    try:
        return _ScenarioFile.model_validate(content)
    except ValidationError as error:
        lines = [f"scenario {path}: {_explain(detail)}" for detail in error.errors()]
        raise UsageError("\n".join(lines)) from None


def _explain(detail: ErrorDetails) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    held = detail["input"]
    is_quotable = isinstance(held, str | int | float) and not _NEVER_QUOTED & set(detail["loc"])
    quoted = f" is {redact(repr(held))[:_QUOTED_AT_MOST]}" if is_quotable and detail["type"] != "missing" else ""
    return f"{redact(where)}{quoted}: {redact(detail['msg'])}"
