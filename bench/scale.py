"""Sizes of the generated data: `default` takes minutes; `full` is ten years and ten million customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scale:
    """Years of history and customers of the large case, customers of the small one, and runs of each measurement.

    `polls`: the polls of those years, 33 a workday. `minutes`: for so long notices become visible (time to file).
    """

    name: str
    years: int
    customers: int
    few_customers: int
    runs: int
    polls: int
    minutes: int


SCALES: Final = {
    scale.name: scale
    for scale in (
        Scale("tiny", 0, 5_000, 4_000, 1, 10, 2),
        Scale("default", 1, 100_000, 10_000, 3, 8_316, 10),
        Scale("ten", 10, 1_000_000, 10_000, 3, 83_160, 10),
        Scale("full", 10, 10_000_000, 10_000, 5, 83_160, 10),
    )
}
