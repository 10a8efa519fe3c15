"""A damaged outbox file is recognised: its records are read, or a ValueError reports the damage."""

from __future__ import annotations

import datetime as dt
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionKind
from konkurs_pipeline.domain.matching import MatchedVia
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.storage.handoff.outbox_format import records_of, render_jsonl
from tests.fuzz.budget import fuzzed
from tests.fuzz.mutations import damaged_bytes

AT: Final = dt.datetime(2018, 6, 8, 11, 34, tzinfo=dt.UTC)
UUID: Final = "0b0d4c1e-7a0e-5a55-9d0b-4f3f6c0f0a01"
HEADER: Final = Header(
    file_id=UUID,
    seq=1,
    prev_sha256=None,
    bank="DEMO",
    environment="demo",
    created_at=AT,
    run_id="run-1",
    from_workday=AT.date(),
    to_workday=AT.date(),
    register_sha256=None,
)
NOTICE: Final = Notice(UUID, "aapning", AT, "2018-06-08T11:34:00.000Z", AT.date(), "910425463")
ACTIONS: Final = [
    Action(ActionKind.BLOCK, "K-1", "97100000000", NOTICE, MatchedVia.DEBTOR, Reason.ESTATE_OPEN),
    Action(ActionKind.REVIEW, "K-\u2028 2", None, NOTICE, MatchedVia.FORMER_ID, Reason.CO_OWNED_ACCOUNT),
]
FILE: Final = render_jsonl(HEADER, ACTIONS)


@fuzzed(usual=100)
@given(damaged_bytes(FILE) | st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 6000)
@example(b"1")
@example(b"[]\nnull\n")
@example(b"\xff")
def test_a_damaged_file_raises_value_error_and_no_other_error(content: bytes) -> None:
    try:
        records = records_of(content)
    except ValueError:
        return
    assert all(isinstance(record, dict) for record in records)


def test_a_file_is_read_back_as_it_was_written() -> None:
    """Also a customer reference with a character that ends a line for Python and not for JSON Lines."""
    kinds = [record["record"] for record in records_of(FILE)]

    assert kinds == ["H", "A", "A", "T"]
    assert records_of(FILE)[2]["customer_ref"] == "K-\u2028 2"
