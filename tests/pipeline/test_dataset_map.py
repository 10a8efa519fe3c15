"""A service whose documents have another shape than assumed: what a run misses, and finds with the proposed map."""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.onboarding.contract import take_sample
from konkurs_pipeline.onboarding.dataset_map_file import write_map
from tests.domain.reshaped import served
from tests.pipeline.kit import Bank

DAY = dt.date(2018, 6, 8)


def test_with_the_proposed_map_the_next_run_finds_the_missed_sole_proprietorship(bank: Bank) -> None:
    account = bank.customer("K-ENK", enk_of("08086001471"))
    bank.serve(served())
    missed = bank.poll(DAY)
    assert (missed.outcome, missed.actions) == ("partial", [])
    file = bank.folder / "map.toml"
    assert write_map(file, take_sample(bank.settings, bank.clock()).received, DatasetMap(), bank.settings)
    bank.extra["KONKURS_DATASET_MAP"] = str(file)
    (block,) = bank.poll(DAY).actions
    assert (block["action"], block["account_no"], block["matched_via"]) == ("BLOCK", account, "linked_unit")
