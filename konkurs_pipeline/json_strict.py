"""Parses JSON strictly: it refuses what two parsers could read differently.

Python's parser keeps the last of two equal keys and accepts NaN. Either could make a damaged answer or receipt look like
a good one. What does not belong here: what the JSON must hold.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Final, NoReturn, TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_DEPTH: Final = 64
MAX_INTEGER_DIGITS: Final = 100
# So few values fit into memory, however small they are.
_FREE_VALUES: Final = 5000

# An unterminated string runs to the end of the body. If it did not match, each quote in it would start a new search.
_STRING: Final = re.compile(rb'"(?>[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND: Final = bytes.maketrans(b"[]", b"{}")


class RefusedJsonError(ValueError):
    """The JSON is refused; the text says why and quotes nothing of it."""


def parse_strictly(body: bytes, *, bytes_a_value: int = 0) -> JsonValue:
    """Parse `body` (UTF-8 without a byte order mark).

    `bytes_a_value`: a body with fewer bytes for each value on average is refused; 0: no such limit. `{},` is three bytes
    in JSON and seventy in Python, so a body of many of them would fill the memory. Raises `RefusedJsonError` for an empty
    body, bytes that are not UTF-8, equal keys in one object, NaN or Infinity, nesting beyond 64 levels and integers of
    more than 100 digits.
    """
    if bytes_a_value:
        _refuse_density(body, bytes_a_value)
    try:
        return _parse(body)
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON from character {error.pos} of {len(body)} bytes on"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 at byte {error.start}"
    raise RefusedJsonError(reason)


def _refuse_density(body: bytes, bytes_a_value: int) -> None:
    commas, ends = body.count(b","), body.count(b"}") + body.count(b"]")
    # The parser itself reports what is nested too deeply.
    is_deep = ends > MAX_DEPTH * (commas + 1)
    if commas + ends > _FREE_VALUES + len(body) // bytes_a_value and not is_deep:
        _refuse(f"holds some {commas + ends} values in {len(body)} bytes, too many to be kept in memory")


def _parse(body: bytes) -> JsonValue:
    if not body.strip():
        _refuse("has an empty body")
    if body.startswith(codecs.BOM_UTF8):
        _refuse("starts with a byte order mark")
    if _is_too_deep(body):
        _refuse(f"is nested beyond {MAX_DEPTH} levels, or its brackets do not match")
    value: JsonValue = json.loads(
        body.decode("utf-8"),
        object_pairs_hook=_object_of,
        parse_constant=_refuse_constant,
        parse_int=_integer_of,
        parse_float=_float_of,
    )
    return value


def _refuse(reason: str) -> NoReturn:
    raise RefusedJsonError(reason)


def _is_too_deep(body: bytes) -> bool:
    # Only brackets outside strings are left. Each pass removes the innermost pairs.
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
    return bool(brackets)


def _object_of(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("has an object with two equal keys")
    return members


def _refuse_constant(_constant: str) -> NoReturn:
    _refuse("holds NaN or Infinity")


def _integer_of(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        _refuse(f"holds an integer of more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _float_of(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("holds a number too large to be kept")
    return number
