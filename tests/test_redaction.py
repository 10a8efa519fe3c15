from __future__ import annotations

import datetime as dt
import hashlib
import logging
import string
import uuid
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konkurs_pipeline.brreg.simulator import population
from konkurs_pipeline.redaction import MASK, RedactingFilter, redact

# No deadline, because a machine may be loaded.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

rngs = st.integers(min_value=0).map(population.seeded)
people = st.sampled_from(
    [
        population.random_fnr,
        population.random_dnr,
        population.random_fnr_2032,
        population.random_synthetic_fnr,
        population.random_synthetic_dnr,
        population.random_account_no,
    ]
)
# The text beside a number: anything except a digit, or a separator followed by digits.
AROUND = st.text(st.characters(codec="utf-8", exclude_categories=["Nd"]), max_size=20)


def forms_of_eleven(number: str) -> list[str]:
    """Return the ways in which people and programs write a number of eleven digits."""
    separated = [
        form
        for s in (" ", ".", "-", "\u00a0", "\u202f")
        for form in (
            f"{number[:6]}{s}{number[6:]}",
            f"{number[:4]}{s}{number[4:6]}{s}{number[6:]}",
            f"{number[:2]}{s}{number[2:4]}{s}{number[4:6]}{s}{number[6:]}",
        )
    ]
    return [number, f"{number}.0", f"'{number}'", f"fnr={number}", f"_{number}_", *separated]


def forms_of_nine(number: str) -> list[str]:
    """Return the ways in which people and programs write a number of nine digits."""
    separated = [f"{number[:3]}{s}{number[3:6]}{s}{number[6:]}" for s in (" ", ".", "-", "\u00a0", "\u202f")]
    return [number, f"{number}.0", f"NO{number}MVA", f"NO {number} MVA", *separated]


def digits_in(text: str) -> str:
    return "".join(character for character in text if character in string.digits)


@given(draw=people, rng=rngs, before=AROUND, after=AROUND)
def test_an_identifier_of_eleven_digits_is_masked_in_every_form(
    draw: Callable[[Random], str], rng: Random, before: str, after: str
) -> None:
    number = draw(rng)

    for form in forms_of_eleven(number):
        shown = redact(f"{before}{form}{after}")
        assert MASK in shown
        assert digits_in(shown) in {"", "0"}, shown


@given(rng=rngs, before=AROUND, after=AROUND)
def test_an_organisation_number_is_masked_in_every_form(rng: Random, before: str, after: str) -> None:
    number = population.random_orgnr(rng)

    for form in forms_of_nine(number):
        shown = redact(f"{before}{form}{after}")
        assert MASK in shown
        assert digits_in(shown) in {"", "0"}, shown


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("08086001472", id="its_checksum_fails"),
        pytest.param("8086001471", id="lost_its_leading_zero"),
        pytest.param("910425464", id="orgnr_whose_checksum_fails"),
    ],
)
def test_a_damaged_number_is_still_somebodys(text: str) -> None:
    assert redact(f"the value {text!r} cannot be cast") == f"the value '{MASK}' cannot be cast"


@pytest.mark.parametrize(
    "text",
    [
        "customers-08086001471.csv",
        "08086001471-old.csv",
        "/konkursvarsler/910425463?x=1",
        "a08086001471",
        "08086001471e",
        "[08086001471, 910425463]",
        '{"debitor": "08086001471"}',
        "08086001471\n910425463",
        "2018-06-08T11:34:23.111Z 08086001471",
        "385fad87-b3e1-4542-a5ac-86c1b4e130af|910425463|*",
    ],
)
def test_an_identifier_is_masked_in_any_text(text: str) -> None:
    shown = redact(text)

    assert "08086001471" not in shown
    assert "910425463" not in shown
    assert MASK in shown


@given(
    # A uuid with mostly digits, whose groups look like numbers.
    hexadecimal=st.text("0123456789ad", min_size=32, max_size=32),
    before=st.sampled_from(["", "GET /konkursvarsler/", "run ", "(", "_", "-", "'"]),
)
def test_a_uuid_is_not_masked(hexadecimal: str, before: str) -> None:
    text = f"{before}{uuid.UUID(hex=hexadecimal)} fails"

    assert redact(text) == text
    assert redact(text.upper()) == text.upper()


@given(content=st.binary(max_size=40), before=st.sampled_from(["", "sha256 ", "sha256:", "answers/", "("]))
def test_a_hash_is_not_masked(content: bytes, before: str) -> None:
    for name in ("md5", "sha1", "sha256"):
        text = f"{before}{hashlib.new(name, content, usedforsecurity=False).hexdigest()}.json.gz"
        assert redact(text) == text


@given(
    instant=st.datetimes(timezones=st.just(dt.UTC)),
    nanoseconds=st.integers(0, 999_999_999),
    separator=st.sampled_from(["T", " "]),
)
def test_a_time_is_not_masked(instant: dt.datetime, nanoseconds: int, separator: str) -> None:
    for text in (
        instant.isoformat(separator),
        instant.isoformat(separator, "milliseconds"),
        f"{instant:%Y-%m-%d}{separator}{instant:%H:%M:%S}.{nanoseconds:09}Z",
        f"{instant:%Y-%m-%d %H:%M:%S},123 - dagster - INFO",
        f"KONKURS_DEMO_demo_00000001_{instant:%Y%m%dT%H%M%SZ}.jsonl",
        f"{instant:%Y-%m-%d}",
        f"{instant:%Y%m%d}",
    ):
        assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("127.0.0.1:8443", id="loopback"),
        pytest.param("192.168.100.200", id="address"),
        pytest.param("10.192.168.100", id="address_with_three_long_groups"),
        pytest.param("postnummer 0150", id="postal_code"),
        pytest.param("12345678", id="eight_digits"),
        pytest.param("123456789012", id="twelve_digits"),
        pytest.param("1528457663111", id="milliseconds_since_1970"),
        pytest.param("dagster 1.13.27", id="version"),
        pytest.param("", id="nothing"),
        pytest.param("50 of 100000 rows", id="counts"),
    ],
)
def test_numbers_of_other_lengths_are_not_masked(text: str) -> None:
    assert redact(text) == text


@given(text=st.text(st.characters(codec="utf-8")))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(text=st.text("0123456789 .-:/abcdefT", max_size=60))
def test_no_number_of_nine_to_eleven_digits_is_left_outside_kept_text(text: str) -> None:
    """Checked without a regular expression, for every run of digits in a text without a uuid, hash or time."""
    words = "".join(character if character in string.digits else " " for character in redact(text)).split()
    has_kept = ":" in text or any(len(word) >= 16 for word in text.replace(".", " ").replace("/", " ").split(" "))

    assert has_kept or not [word for word in words if 9 <= len(word) <= 11]


class TestTheFilter:
    @staticmethod
    def logged(message: object, *args: object, error: BaseException | None = None) -> str:
        """Return the line that a handler with the filter prints."""
        record = logging.LogRecord("n", logging.ERROR, __file__, 1, message, args, None)
        if error is not None:
            record.exc_info = (type(error), error, error.__traceback__)
        assert RedactingFilter().filter(record) is True
        return logging.Formatter().format(record)

    def test_the_message_is_masked_with_its_arguments_filled_in(self) -> None:
        assert self.logged("%s of %d: %s", "C1", 2, "08086001471") == f"C1 of 2: {MASK}"

    def test_a_number_split_over_message_and_arguments_is_masked(self) -> None:
        assert self.logged("080860%s", "01471") == MASK

    def test_a_message_that_is_no_text_is_masked(self) -> None:
        assert self.logged(ValueError("08086001471")) == MASK

    def test_percent_signs_of_the_rendered_message_are_not_filled_in_again(self) -> None:
        assert self.logged("%s", "100 %s") == "100 %s"

    def test_the_value_in_an_exception_is_masked_and_its_place_is_kept(self) -> None:
        def cast() -> None:
            message = "could not cast '8086001471'"
            raise ValueError(message)

        with pytest.raises(ValueError, match="could not cast") as raised:
            cast()

        line = self.logged("failed", error=raised.value)

        assert line.startswith("failed\nTraceback")
        assert f"ValueError: could not cast '{MASK}'" in line
        assert "in cast" in line
