"""The receipt of core banking (`konkurs-receipt/1`), and how its bytes are read. Source: docs/outbox.md.

The JSON Schema says what core banking should write. The reader also accepts other spellings that can mean one thing only:
ids and hashes in capitals, in braces or with blanks around them, status words in small letters. What does not belong
here: what a receipt changes (storage/handoff/receipts).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    WithJsonSchema,
)

from konkurs_pipeline.contracts.text import Sha256, Uuid, storable
from konkurs_pipeline.domain.actions.receipts import ActionAnswer
from konkurs_pipeline.json_strict import RefusedJsonError, parse_strictly

RECEIPT_SCHEMA: Final = "konkurs-receipt/1"
# The shortest action of a receipt is 66 bytes with 3 values, one with `code` and `at` 18 bytes a value.
_BYTES_A_VALUE: Final = 12
_TIME: Final = re.compile(r"\s*([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}.*?)\s*", re.DOTALL)


class UnreadableReceiptError(ValueError):
    """The bytes are no receipt; the text says why and quotes nothing of them."""


def _instant(value: object) -> object:
    # pydantic would read 1535986800, and "1535986800", as seconds since 1970.
    if value is None or isinstance(value, dt.datetime):
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        message = "a time is written as ISO text"
        raise ValueError(message)
    return f"{found[1]}T{found[2].upper()}"


def _in_utc(instant: dt.datetime) -> dt.datetime:
    try:
        return instant.astimezone(dt.UTC)
    except OverflowError:
        message = "a time that UTC cannot hold"
        raise ValueError(message) from None


def _word(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


_Text = Annotated[str, AfterValidator(storable)]


class ReceiptAction(BaseModel):
    """What core banking did about one action."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    action_id: Uuid = Field(description="the `action_id` of the outbox file")
    status: Annotated[ActionAnswer, BeforeValidator(_word)] = Field(
        description="APPLIED: done now. ALREADY_APPLIED: it was done before. REJECTED: not done. PENDING: not done yet"
    )
    code: _Text | None = Field(default=None, description="core banking's own code; kept, not interpreted")
    at: Annotated[
        Annotated[AwareDatetime, AfterValidator(_in_utc)] | None,
        BeforeValidator(_instant),
        WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
    ] = Field(default=None, description="when, with a time zone; without it the time of reading counts")


class Receipt(BaseModel):
    """Core banking's answer to one outbox file: `<outbox name>.receipt.json`."""

    # pydantic's models have a method `schema` already.
    model_config = ConfigDict(
        extra="ignore", frozen=True, validate_by_name=True, alias_generator=lambda name: name.rstrip("_")
    )

    schema_: Literal["konkurs-receipt/1"] = Field(description="the contract")
    file_id: Uuid = Field(description="the `file_id` of the outbox file's header")
    sha256: Sha256 = Field(description="SHA-256 of the whole .jsonl that was read")
    status: Annotated[Literal["RECEIVED", "REJECTED"], BeforeValidator(_word)] = Field(
        description="REJECTED: the file was refused as a whole, none of its actions was carried out"
    )
    code: _Text | None = Field(default=None, description="core banking's own code; kept, not interpreted")
    actions: Annotated[list[ReceiptAction], FailFast()] = Field(
        default=[], description="what was done about each action; later receipts add to earlier ones"
    )


def parse_receipt(content: bytes) -> Receipt:
    """Read the bytes of a receipt; raises `UnreadableReceiptError` that names the place and quotes no value."""
    try:
        return Receipt.model_validate(parse_strictly(content, bytes_a_value=_BYTES_A_VALUE))
    except RefusedJsonError as error:
        message = f"it {error}"
    except ValidationError as error:
        place = error.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
        message = f"expected another value at {_place(place) or 'its top level'}"
    raise UnreadableReceiptError(message)


def _place(location: tuple[int | str, ...]) -> str:
    """Return a place as `actions[3].status`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")
