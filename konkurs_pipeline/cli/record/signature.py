"""Who did something and why: `--by` and `--reason` or `--note`, kept as evidence."""

from __future__ import annotations

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.redaction import redact


def signed(by: str, reason: str, *, option: str = "--reason") -> tuple[str, str]:
    """Return both, stripped; `option`: the name of the reason's option. Raises `UsageError` for no text or an identifier."""
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        message = f"--by and {option} must say something: they are kept as evidence"
        raise UsageError(message)
    if (redact(by), redact(reason)) != (by, reason):
        message = f"--by and {option} must hold no number of a person, a company or an account: name a notice or a run"
        raise UsageError(message)
    return by, reason
