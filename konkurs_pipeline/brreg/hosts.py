"""Makes a host name from an answer fit for an error text or a log. Nothing follows such a name."""

from __future__ import annotations

import re
from typing import Final

from konkurs_pipeline.redaction import MASK

_LONGEST: Final = 80
# Stricter than redaction: in a host name, a number next to letters may be an identifier too.
_LONG_NUMBER: Final = re.compile(r"[0-9]{9,}")
_NOT_IN_HOSTS: Final = re.compile(r"[^\w.:-]", re.ASCII)


def shown_host(host: str | None) -> str:
    """Return `host` with long numbers masked, odd characters replaced, and cut to a maximum length."""
    if not host:
        return "no host"
    return _LONG_NUMBER.sub(MASK, _NOT_IN_HOSTS.sub("?", host[:_LONGEST]))
