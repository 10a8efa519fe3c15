"""Reads ids and hashes in the spellings of other systems, and returns them in ours."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from konkurs_pipeline.domain.identifiers import is_utf8

# As .NET, SQL Server and Java write a UUID: any case, with braces or parentheses, as a URN, or without hyphens.
_UUID: Final = re.compile(
    r"(?:urn:uuid:)?[{(]?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})[)}]?"
)
# .NET's BitConverter puts a hyphen between the bytes.
_HASH: Final = re.compile(r"(?:sha-?256:)?([0-9a-f]{64}|[0-9a-f]{2}(?:[-: ][0-9a-f]{2}){31})")


def storable(text: str) -> str:
    """Return the text; raises `ValueError` if it cannot be written as UTF-8."""
    if is_utf8(text):
        return text
    message = "text that cannot be written as UTF-8"
    raise ValueError(message)


def read_uuid(text: str) -> str:
    """Return a UUID as we write it; other text without the blanks around it."""
    found = _UUID.fullmatch(text.strip().lower())
    return "-".join(found.groups()) if found else storable(text.strip())


def read_sha256(text: str) -> str:
    """Return a SHA-256 as we write it, in small hex; other text without the blanks around it."""
    found = _HASH.fullmatch(text.strip().lower())
    return re.sub("[-: ]", "", found[1]) if found else storable(text.strip())


# The schema says what to write. If another spelling cannot be read, it is no id that we know.
Uuid = Annotated[str, AfterValidator(read_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Sha256 = Annotated[str, AfterValidator(read_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
