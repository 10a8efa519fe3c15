"""Every error that the outside world can cause, in one tree, each with the exit code it ends a command with.

    KonkursError                     1  it failed; one line says what, where and what to do
    ├── SettingsError                2  a setting is missing or wrong
    │   └── CertificateError         2  the client certificate or the trusted roots cannot be used
    ├── UsageError                   2  a command was given arguments that make no sense
    ├── StoreBusyError               3  another run holds the store
    ├── ServiceError                 1  the service did not give what was asked for
    │   ├── ServiceUnreachableError     no usable answer: 5xx, 429 beyond the limit
    │   │   ├── NoAnswerError              no answer at all: refused, reset, timed out
    │   │   └── NotTriedError              the request was not made
    │   ├── AccessRefusedError          401, 403, or the TLS handshake refused our certificate (or we its)
    │   ├── NotFoundError               404 or 410
    │   │   └── GoneError               410
    │   └── AnswerError                 an answer came, and is not what the service's documentation says
    ├── RegisterError                1  the bank's register file is refused, and no accepted snapshot exists
    ├── StoreError                   1  the data folder is damaged, foreign or not writable
    ├── OutputError                  1  the answer could not be written to standard output
    ├── HistoryError                 1  Dagster's own history is damaged, locked or not writable
    └── AlertError                   1  an alert could not be delivered

A message says what failed, the value (never a national identifier, a name or a secret), what was expected and
what to do. What belongs here: errors that a person can act on. What does not: bugs, which keep Python's own.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command ends (docs/operations.md)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUSY = 3
    STOPPED = 130


class KonkursError(Exception):
    """Base of every error that the outside world can cause."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class SettingsError(KonkursError):
    """A setting is missing or wrong; names the variable, what it held, what was expected, what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class CertificateError(SettingsError):
    """The client certificate, its password or the trusted roots cannot be used."""


class UsageError(KonkursError):
    """A command was given arguments that make no sense."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class StoreBusyError(KonkursError):
    """Another run holds the store; nothing was done."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUSY


class ServiceError(KonkursError):
    """The service did not give what was asked for."""


class ServiceUnreachableError(ServiceError):
    """No usable answer came: refused, reset, timed out, 5xx, or the service asks for a longer wait than we allow."""


class NoAnswerError(ServiceUnreachableError):
    """No answer came at all: refused, reset, timed out."""


class NotTriedError(ServiceUnreachableError):
    """The request was not made: the time was used up, or the service did not answer the requests before it."""


class AccessRefusedError(ServiceError):
    """The service refused us (401, 403, TLS alert), or its own certificate failed our check. Never retried."""


class NotFoundError(ServiceError):
    """The service has no such resource (404, 410)."""


class GoneError(NotFoundError):
    """The service had the resource once (410)."""


class AnswerError(ServiceError):
    """An answer came and is not as documented. It never counts as "no news"."""


class RegisterError(KonkursError):
    """A register file is refused; says which file, why, and how to mend it."""


class StoreError(KonkursError):
    """The data folder is damaged, belongs to another environment, or cannot be written."""


class OutputError(KonkursError):
    """The answer could not be written whole: the disk is full, or its reader is gone."""


class AlertError(KonkursError):
    """An alert could not be delivered; it is tried again."""


class HistoryError(KonkursError):
    """Dagster's own history is damaged, locked or not writable. A poll works without it."""
