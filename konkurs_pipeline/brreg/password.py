"""Reads the password of the client certificate from a file, as text editors and secret stores write it.

The PKCS#12 library takes UTF-8 without NUL and panics at anything else. What does not belong here: the certificate.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final

from konkurs_pipeline.errors import CertificateError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SETTING: Final = "KONKURS_CLIENT_P12_PASSWORD_FILE"


def read_password(path: Path) -> bytes:
    """Return the password in `path` as UTF-8, without NULs and one line break at its end.

    The file may be UTF-8, UTF-16 or Windows' own Latin-1. Raises `CertificateError`.
    """
    try:
        text = _decoded(path.read_bytes()).rstrip("\0")
    except OSError as error:
        cause = "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        message = f"{_SETTING} {path}: {cause}; expected: a file we can read. Correct the path or its rights"
        raise CertificateError(message) from None
    except UnicodeDecodeError:
        message = f"{_SETTING} {path}: begins like UTF-16 or UTF-8 and is not; expected: a text file. Save it as UTF-8"
        raise CertificateError(message) from None
    return usable_password(text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text)


def usable_password(text: str) -> bytes:
    """Return the password as the PKCS#12 library takes it. Raises `CertificateError` if it holds a NUL."""
    if "\0" in text:
        message = (
            f"{_SETTING}: the password holds a NUL character, which no certificate's password can; expected: "
            "a text file with the password alone. Save it as UTF-8"
        )
        raise CertificateError(message)
    return text.encode(errors="surrogatepass")


def _decoded(raw: bytes) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding)
    if raw and not len(raw) % 2 and not any(raw[1::2]):
        return raw.decode("utf-16-le")
    if raw and not len(raw) % 2 and not any(raw[::2]):
        return raw.decode("utf-16-be")
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
