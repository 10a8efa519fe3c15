"""How long polls wait before they ask again for a document that they could not get."""

from __future__ import annotations

import datetime as dt
from typing import Final

# Most failures pass: after the first ones the next poll asks again.
_WITHOUT_REST: Final = 2
_FIRST_REST: Final = dt.timedelta(minutes=15)
# The longest wait: a person's sole proprietorship is blocked only once the document is read.
_LONGEST_REST: Final = dt.timedelta(hours=2)


def rest_after(failures: int) -> dt.timedelta:
    """Return the wait after so many failures: none after the first two, then a quarter of an hour, doubled each time."""
    if failures <= _WITHOUT_REST:
        return dt.timedelta()
    # Doubled three times, it is the longest wait already.
    doublings = min(failures - _WITHOUT_REST - 1, 3)
    return min(_FIRST_REST * (1 << doublings), _LONGEST_REST)
