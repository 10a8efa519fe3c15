"""The steps of a poll in the order of the job's assets, for whoever conducts a poll without dagster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.estates import fold_notices
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.notices import poll_notices
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register

Step = Callable[[Poll], object]

STEPS: Final[tuple[Step, ...]] = (
    take_register,
    poll_notices,
    fetch_missing_datasets,
    normalise_debtors,
    match_debtors,
    fold_notices,
    decide,
    hand_over,
)
