"""Makes words from a foreign document, such as an unknown type or a field's name, harmless to show.

A key or a code may hold a number or a name, like any foreign text. What does not belong here: masking the numbers in a
whole sentence (redaction).
"""

from __future__ import annotations

import re
from typing import Final

# The form of field names and codes: one word, perhaps with hyphens, with no number of more than a few digits.
_PLAIN_WORD: Final = re.compile(r"(?!.*[0-9]{4})[A-Za-zÆØÅæøå_][A-Za-zÆØÅæøå0-9_-]{0,39}")
UNSHOWN: Final = "(unshown)"
# A spreadsheet reads a cell that begins so as a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def shown(word: str) -> str:
    """Return a type, code or key as it may be shown: one plain word as it is, anything else as `(unshown)`."""
    return word if _PLAIN_WORD.fullmatch(word) else UNSHOWN


def without_controls(text: str) -> str:
    """Return text with each control character, and each that changes the direction of a line, replaced by `\ufffd`.

    On a terminal or a page such a character can make a line show something else than it says.
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def without_formula(text: str) -> str:
    """Return text with an apostrophe before it if a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
