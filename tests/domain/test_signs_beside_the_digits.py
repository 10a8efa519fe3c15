"""The characters before 0 and after 9 are no digits, even if the checksum would be right with them.

As a code point minus that of 0, `/` is -1 and `:` is 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
import pytest

from konkurs_pipeline.domain.identifiers import IdKind, id_kind, identify

ORGNR_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2, 1)
FNR_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
SIGNS: Final = {"/": -1, ":": 10, ".": -2, ";": 11}


def texts_that_would_hold(sign: str) -> Iterator[str]:
    """Yield numbers with `sign` in each place and the last digit that makes the checksum right."""
    for start, weights in (("91042546", ORGNR_WEIGHTS), ("0808600147", FNR_WEIGHTS)):
        for place in range(len(start)):
            values = [SIGNS[sign] if n == place else int(digit) for n, digit in enumerate(start)]
            last = -sum(value * weight for value, weight in zip(values, weights, strict=False)) % 11
            if last <= max(SIGNS[sign], 9):
                shown = str(last) if last <= 9 else sign
                yield start[:place] + sign + start[place + 1 :] + shown


@pytest.mark.parametrize("sign", SIGNS)
def test_no_number_with_a_sign_for_a_digit_is_an_identifier(sign: str) -> None:
    texts = list(texts_that_would_hold(sign))
    of_column = pl.select(id_kind(pl.lit(pl.Series(texts)), synthetic_allowed=True)).to_series()

    assert len(texts) > 10
    assert {identify(text, synthetic_allowed=True) for text in texts} == {IdKind.UNKNOWN}
    assert set(of_column) == {IdKind.UNKNOWN.value}
