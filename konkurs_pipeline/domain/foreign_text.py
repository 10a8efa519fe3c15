"""Words out of a foreign document, such as an unknown type or the name of a field, made fit to be shown.

A key or a code is foreign text like any other: it may hold a number or a name. What does not belong here: masking the
numbers in a whole sentence (redaction).
"""

from __future__ import annotations

import re
from typing import Final

# As field names and codes are: one word, perhaps with hyphens, and never a number of more than a few digits.
_PLAIN_WORD: Final = re.compile(r"(?!.*[0-9]{4})[A-Za-zÆØÅæøå_][A-Za-zÆØÅæøå0-9_-]{0,39}")
UNSHOWN: Final = "(unshown)"
# What a spreadsheet takes for the beginning of a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def shown(word: str) -> str:
    """Return a type, code or key as it may be shown: one plain word as it is, anything else as `(unshown)`."""
    return word if _PLAIN_WORD.fullmatch(word) else UNSHOWN


def without_controls(text: str) -> str:
    """Return text with each control character, or one that turns the direction of a line, replaced by `\ufffd`.

    On a terminal or a page such a character makes a line say something else than it does.
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def without_formula(text: str) -> str:
    """Return text with an apostrophe before it where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
