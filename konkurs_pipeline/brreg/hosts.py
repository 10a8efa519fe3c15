"""Host names out of answers, made fit for an error text or a log.

What does not belong here: following them, which nothing does.
"""

from __future__ import annotations

import re
from typing import Final

from konkurs_pipeline.redaction import MASK

_LONGEST: Final = 80
# Stricter than redaction: inside a host name, a number beside letters may be an identifier too.
_LONG_NUMBER: Final = re.compile(r"[0-9]{9,}")
_NOT_IN_HOSTS: Final = re.compile(r"[^\w.:-]", re.ASCII)


def shown_host(host: str | None) -> str:
    """Return `host` as it may be shown: long numbers masked, odd characters replaced, not too long."""
    if not host:
        return "no host"
    return _LONG_NUMBER.sub(MASK, _NOT_IN_HOSTS.sub("?", host[:_LONGEST]))
