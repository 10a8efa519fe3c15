"""Keeps national identifiers out of everything that leaves the protected folders.

Used by: errors that wrap a library's message, the log filter, and Dagster failures. What does not belong here:
deciding what is an identifier for matching (that is domain/identifiers).

A number of nine to eleven digits is masked even if its checksum is wrong: a damaged fødselsnummer is still somebody's
(ten digits: it lost its leading zero), and the orgnr of a sole proprietorship points at a person.
"""

from __future__ import annotations

import logging
import re
from typing import Final

# A log needs these, and they may hold as many digits in a row: a uuid, a hash, a time with its fraction.
_KEPT: Final = (
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{16,})"
    r"(?![0-9A-Za-z])|[0-9]{2}:[0-9]{2}:[0-9]{2}[.,][0-9]+"
)
# Also with separators that people write: "080860 01471", "080860-01471", "910 425 463", "0808.60.01471".
_SEPARATOR: Final = r"[ .\u00a0\u202f-]"
_IDENTIFIER: Final = (
    r"(?<![0-9])(?:[0-9]{9,11}"
    rf"|[0-9]{{6}}{_SEPARATOR}[0-9]{{5}}"
    rf"|(?:[0-9]{{2}}{_SEPARATOR}){{3}}[0-9]{{5}}"
    rf"|[0-9]{{4}}{_SEPARATOR}[0-9]{{2}}{_SEPARATOR}[0-9]{{5}}"
    # Three groups of an IP address look the same.
    rf"|(?<![0-9]\.)[0-9]{{3}}{_SEPARATOR}[0-9]{{3}}{_SEPARATOR}[0-9]{{3}}(?!\.[0-9])"
    r")(?![0-9])"
)
_KEPT_OR_IDENTIFIER: Final = re.compile(rf"(?P<kept>{_KEPT})|{_IDENTIFIER}")
MASK = "‹identifier›"


def redact(text: str) -> str:
    """Return `text` with every number that has the form of a national identifier or account masked."""
    return _KEPT_OR_IDENTIFIER.sub(lambda found: found["kept"] or MASK, text)


class RedactingFilter(logging.Filter):
    """A logging filter that masks identifiers in the rendered message and drops exception values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; always let it through."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
