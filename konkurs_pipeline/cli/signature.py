"""Who did something and why, as a person gives it with a command: kept as evidence, and shown to whoever asks."""

from __future__ import annotations

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.redaction import redact


def signed(by: str, reason: str) -> tuple[str, str]:
    """Return both without blanks around; raises `UsageError` where one says nothing, or holds an identifier."""
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        message = "--by and --reason must say something: they are kept as evidence"
        raise UsageError(message)
    if (redact(by), redact(reason)) != (by, reason):
        message = "--by and --reason must hold no number of a person, a company or an account: name a notice or a run"
        raise UsageError(message)
    return by, reason
