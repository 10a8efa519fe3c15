"""What an error's text must never hold: an identifier, whole or damaged.

An error about foreign bytes holds no nine digits in a row. So this also finds an identifier with a changed digit.
"""

from __future__ import annotations

import re
import traceback
from typing import Final

# From Brreg's published list of test notices.
PERSON: Final = "08086001471"
OTHER_PERSON: Final = "08086002265"
COMPANY: Final = "910425463"
OTHER_COMPANY: Final = "910491482"
_DIGITS: Final = re.compile(r"[0-9]{9,}")


def holds_an_identifier(text: str) -> bool:
    """Return whether `text` holds nine or more digits in a row."""
    return _DIGITS.search(text) is not None


def shows_an_identifier(error: BaseException) -> bool:
    """Return whether an error, or an error shown with it, holds an identifier. Source lines do not count."""
    shown = traceback.TracebackException.from_exception(error, lookup_lines=False)
    texts: list[str] = []
    waiting: list[traceback.TracebackException | None] = [shown]
    while waiting:
        one = waiting.pop()
        if one is not None:
            texts += one.format_exception_only()
            waiting += [one.__cause__, None if one.__suppress_context__ else one.__context__]
    return any(holds_an_identifier(text) for text in texts)
