"""Strategies for damaged input: JSON documents with damaged structure and then damaged bytes, and damaged bytes alone.

The form of a document here can also express invalid JSON: objects are lists of members, so a key may stand twice, and a token
may be any text. What does not belong here: the expected result of a reader.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hypothesis import strategies as st


@dataclass(frozen=True)
class Token:
    """Text that is written unchanged."""

    text: str


@dataclass
class Members:
    """An object with its members in order. A key may stand more than once."""

    pairs: list[tuple[str, Node]] = field(default_factory=list)


Node: TypeAlias = "Members | list[Node] | Token | str | int | float | bool | None"
Slot: TypeAlias = tuple["Members | list[Node]", int]

ODD_TEXTS: Final = (
    "",
    " ",
    "\x00",
    "\n",
    "\ud800",
    "\udfff\ud800",
    "\u202e",
    "\ufeff",
    "ﬁ",
    "٠١٢٣٤٥٦٧٨",
    "𝟗𝟏𝟎𝟒𝟐𝟓𝟒𝟔𝟑",
    "\U0010ffff",
    "null",
    "NaN",
    "-0",
    "//[",
    "http://[::1",
    "https://08086001471.example/konkursvarsler",
    "?x=08086001471",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999Z",
    "0000-00-00",
    "2018-02-30",
    "=1+1",
    "x" * 5000,
    "9" * 400,
)
ODD_TOKENS: Final = tuple(
    Token(text)
    for text in (
        "NaN",
        "-Infinity",
        "1e999",
        "1e-999",
        "-0.0",
        "9" * 99,
        "9" * 101,
        "9" * 6000,
        "-1",
        "0.1",
        "1E5",
        "01",
        "+1",
        "'a'",
        "undefined",
        "",
        "//",
        '"\\u0000"',
        '"\\ud800"',
        '"\t"',
        "[" * 5000,
        "]",
        "}",
    )
)
ODD_KEYS: Final = (
    "",
    "_embedded",
    "_links",
    "page",
    "next",
    "self",
    "href",
    "uuid",
    "__proto__",
    "\ud800",
    "08086001471",
)
MOST_NESTING: Final = 80


def node_of(value: object) -> Node:
    """Return a JSON value in the form of this module."""
    if isinstance(value, Mapping):
        return Members([(str(key), node_of(inner)) for key, inner in value.items()])
    if isinstance(value, list | tuple):
        return [node_of(inner) for inner in value]
    assert value is None or isinstance(value, str | int | float | bool)
    return value


def spell(node: Node) -> str:
    """Write a document as JSON or nearly JSON."""
    if isinstance(node, Token):
        return node.text
    if isinstance(node, Members):
        return "{" + ",".join(f"{json.dumps(key)}:{spell(value)}" for key, value in node.pairs) + "}"
    if isinstance(node, list):
        return "[" + ",".join(spell(value) for value in node) + "]"
    return json.dumps(node)


def slots(node: Node) -> Iterator[Slot]:
    """Yield every place of a value in a document."""
    values = [value for _, value in node.pairs] if isinstance(node, Members) else node
    if isinstance(node, Members | list) and isinstance(values, list):
        for place, value in enumerate(values):
            yield node, place
            yield from slots(value)


def value_at(slot: Slot) -> Node:
    """Return the value in a slot."""
    holder, place = slot
    return holder.pairs[place][1] if isinstance(holder, Members) else holder[place]


def put(slot: Slot, value: Node) -> None:
    """Put a value into a slot. The key stays."""
    holder, place = slot
    if isinstance(holder, Members):
        holder.pairs[place] = (holder.pairs[place][0], value)
    else:
        holder[place] = value


def _rename(draw: st.DrawFn, slot: Slot, others: Sequence[Slot]) -> None:
    holder, place = slot
    if isinstance(holder, Members):
        known = sorted({key for other, _ in others if isinstance(other, Members) for key, _ in other.pairs})
        holder.pairs[place] = (draw(st.sampled_from([*ODD_KEYS, *known])), holder.pairs[place][1])


def _double(slot: Slot) -> None:
    holder, place = slot
    if isinstance(holder, Members):
        holder.pairs.insert(place, copy.deepcopy(holder.pairs[place]))
    else:
        holder.insert(place, copy.deepcopy(holder[place]))


def _delete(slot: Slot) -> None:
    holder, place = slot
    del (holder.pairs if isinstance(holder, Members) else holder)[place]


def _nested(draw: st.DrawFn, value: Node) -> Node:
    in_objects = draw(st.booleans())
    for _ in range(draw(st.sampled_from([1, 2, 60, MOST_NESTING]))):
        value = Members([("a", value)]) if in_objects else [value]
    return value


def _odd_value(draw: st.DrawFn, was: Node) -> Node:
    if isinstance(was, str) and was and draw(st.booleans()):
        place = draw(st.integers(0, len(was) - 1))
        return was[:place] + draw(st.sampled_from(["", "0", "9", *ODD_TEXTS])) + was[place + draw(st.integers(0, 1)) :]
    odd: list[Node] = [None, True, False, 0, 1, -1, 0.5, [], Members(), *ODD_TEXTS, *ODD_TOKENS]
    return draw(st.sampled_from(odd))


def _damage_once(draw: st.DrawFn, document: Node) -> None:
    places = list(slots(document))
    if not places:
        return
    slot, other = draw(st.sampled_from(places)), draw(st.sampled_from(places))
    match draw(st.sampled_from(["odd", "rename", "delete", "double", "swap", "splice", "nest"])):
        case "odd":
            put(slot, _odd_value(draw, value_at(slot)))
        case "rename":
            _rename(draw, slot, places)
        case "delete":
            _delete(slot)
        case "double":
            _double(slot)
        case "swap":
            one, two = copy.deepcopy(value_at(slot)), copy.deepcopy(value_at(other))
            put(slot, two)
            put(other, one)
        case "splice":
            put(slot, copy.deepcopy(value_at(other)))
        case _:
            put(slot, _nested(draw, value_at(slot)))


@st.composite
def damaged_json(draw: st.DrawFn, *documents: object) -> bytes:
    """Return the bytes of one of `documents` with up to three changes of its structure, and sometimes damaged bytes."""
    document = node_of(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        _damage_once(draw, document)
    body = spell(document).encode("utf-8", "surrogatepass")
    return draw(damaged_bytes(body)) if draw(st.integers(0, 3)) == 0 else body


@st.composite
def damaged_bytes(draw: st.DrawFn, *contents: bytes) -> bytes:
    """Return one of `contents` with flipped bits, and with pieces removed, doubled, moved or inserted."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([1, 2, 8, 64, 1_000_000])))
        match draw(st.sampled_from(["flip", "delete", "double", "move", "put", "cut"])):
            case "flip" if start < len(content):
                content[start] ^= 1 << draw(st.integers(0, 7))
            case "delete":
                del content[start:end]
            case "double":
                content[start:start] = content[start:end]
            case "move":
                piece = bytes(content[start:end])
                del content[start:end]
                place = draw(st.integers(0, len(content)))
                content[place:place] = piece
            case "put":
                content[start:start] = draw(
                    st.binary(max_size=8) | st.sampled_from([b"\x00", b'"', b"\n", b"\xff", b"\r"])
                )
            case _:
                del content[draw(st.integers(0, len(content))) :]
    return bytes(content)
