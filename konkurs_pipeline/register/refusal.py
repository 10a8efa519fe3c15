"""How a register file is refused, in one wording. What does not belong here: the reasons (files, rules)."""

from __future__ import annotations

from typing import NoReturn

from konkurs_pipeline.errors import RegisterError


def refuse(name: str, reason: str, cure: str) -> NoReturn:
    """Raise the `RegisterError` of a file: its name, why, and what to do; no value from the file."""
    message = f"{name} is refused: {reason}. {cure}"
    # `from None`: the caller may be handling a library's error whose text quotes the register.
    raise RegisterError(message) from None
