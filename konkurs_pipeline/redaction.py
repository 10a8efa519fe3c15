"""Keeps national identifiers out of everything that leaves the protected folders.

Used by: errors that wrap a library's message, the log filter, and Dagster failures. What does not belong here:
deciding what is an identifier for matching (that is domain/identifiers).

A number of nine or eleven digits is masked whether or not its checksum holds: a damaged fødselsnummer is still
somebody's, and an orgnr of a sole proprietorship points at a person.
"""

from __future__ import annotations

import logging
import re

# Also with the separators people write: "080860 01471", "910 425 463", "0808.60.01471".
_IDENTIFIER = re.compile(
    r"(?<![0-9A-Fa-f-])(?:[0-9]{11}|[0-9]{9}|[0-9]{6}[ .][0-9]{5}|[0-9]{3}[ .][0-9]{3}[ .][0-9]{3}"
    r"|[0-9]{4}[ .][0-9]{2}[ .][0-9]{5})(?![0-9A-Fa-f-])"
)
MASK = "‹identifier›"


def redact(text: str) -> str:
    """Return `text` with every number that has the form of a national identifier or account masked."""
    return _IDENTIFIER.sub(MASK, text)


class RedactingFilter(logging.Filter):
    """A logging filter that masks identifiers in the rendered message and drops exception values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; always let it through."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
