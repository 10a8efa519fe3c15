"""How a register file is refused: one wording for all reasons. What the reasons are is files' and rules'."""

from __future__ import annotations

from typing import NoReturn

from konkurs_pipeline.errors import RegisterError


def refuse(name: str, reason: str, cure: str) -> NoReturn:
    """Raise the `RegisterError` of a file: its name, why, and what to do; no value out of it."""
    message = f"{name} is refused: {reason}. {cure}"
    # A caller may be handling a library's error, and its text can quote the register.
    raise RegisterError(message) from None
