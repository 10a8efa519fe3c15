from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.wire import parse_json
from konkurs_pipeline.errors import AnswerError
from konkurs_pipeline.json_strict import JsonValue

WHAT = "GET /konkursvarsler"

JSON_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**99), 10**99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_any_json_value_is_read_back_unchanged(value: JsonValue) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), what=WHAT) == value


@given(st.binary() | st.text('[]{}",:\\0123456789.eENaIn-u \n').map(str.encode))
def test_any_bytes_are_parsed_or_refused_with_a_named_error(body: bytes) -> None:
    try:
        parse_json(body, what=WHAT)
    except AnswerError as error:
        assert str(error).startswith(WHAT)  # noqa: PT017  # a refusal is one of two good outcomes


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "empty body", id="nothing"),
        pytest.param(b" \n", "empty body", id="white space"),
        pytest.param(b"\xef\xbb\xbf{}", "byte order mark", id="bom"),
        pytest.param('{"poststed": "BODØ"}'.encode("latin-1"), "UTF-8", id="latin-1"),
        pytest.param(b'{"a": 1, "a": 2}', "equal keys", id="equal keys: parsers keep the last"),
        pytest.param(b'{"b": {"a": 1, "\\u0061": 1}}', "equal keys", id="equal keys, one written as an escape"),
        pytest.param(b"[NaN]", "NaN", id="NaN"),
        pytest.param(b"[-Infinity]", "Infinity", id="infinity"),
        pytest.param(b"[1e999]", "too large", id="a float that overflows to infinity"),
        pytest.param(b"[" + b"9" * 101 + b"]", "100 digits", id="101 digits"),
        pytest.param(b"[" * 65 + b"]" * 65, "nested", id="65 levels"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, "nested", id="65 objects"),
        pytest.param(b"[" * 1_000_000, "nested", id="a million levels, never closed"),
        pytest.param(b"<html></html>", "not valid JSON", id="html"),
        pytest.param(b'{"a": 1', "brackets do not match", id="cut short"),
        pytest.param(b"{} {}", "not valid JSON", id="two values"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        parse_json(body, what=WHAT)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 64 + b"]" * 64, id="64 levels"),
        pytest.param(b'["' + b"[" * 100 + b'"]', id="brackets in a string are no levels"),
        pytest.param(b'["\\"' + b"[" * 100 + b'\\\\"]', id="nor brackets after an escaped quote"),
        pytest.param(b"[" + b"9" * 100 + b"]", id="100 digits"),
        pytest.param(b"[" + b",".join([b"[{}]"] * 1000) + b"]", id="many members are no depth"),
    ],
)
def test_the_largest_allowed_values_are_read(body: bytes) -> None:
    assert parse_json(body, what=WHAT) == json.loads(body)


def test_a_refusal_quotes_nothing_from_the_body() -> None:
    for body in (b'{"debitor": 08086001471}', b'{"910425463": 1, "910425463": 2}', b'["08086001471'):
        with pytest.raises(AnswerError) as caught:
            parse_json(body, what=WHAT)
        assert "08086001471" not in str(caught.value)
        assert "910425463" not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_body_that_would_slow_the_depth_check_is_refused_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(AnswerError):
        parse_json(b'["' + b'\\"' * 1_000_000, what=WHAT)
    assert time.monotonic() - started < 2
