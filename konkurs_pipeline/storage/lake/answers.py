"""The service's answers as received, each kept once under its hash."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection
from pathlib import Path

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import hash_of, make_private_folder, storage_errors, write_bytes_atomically


class KeptAnswers:
    """The folder of answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, body: bytes) -> str:
        """Keep the bytes of an answer, once for equal bytes; returns their SHA-256."""
        digest = hash_of(body)
        path = self.path(digest)
        if not path.is_file():
            make_private_folder(path.parent)
            # The temporary file goes to the one folder that is tidied: to tidy the folders of all years would slow every
            # poll.
            write_bytes_atomically(path, gzip.compress(body, compresslevel=6, mtime=0), aside=self.folder)
        return digest

    def path(self, digest: str) -> Path:
        """Return where the answer with this hash is kept."""
        return self.folder / digest[:2] / f"{digest}.json.gz"

    def remove_all_but(self, digests: Collection[str]) -> None:
        """Remove the answers that have none of these hashes."""
        with storage_errors(f"tidying {self.folder}"):
            for path in self.folder.glob("??/*.json.gz"):
                if path.name.removesuffix(".json.gz") not in digests:
                    path.unlink(missing_ok=True)

    def read(self, digest: str) -> bytes:
        """Return the bytes of an answer; raises `StoreError` if they are missing or not what the hash says."""
        path = self.path(digest)
        try:
            body = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error):
            body = b""
        if hash_of(body) != digest:
            message = f"the kept answer {path} is missing or damaged: restore it from a copy"
            raise StoreError(message)
        return body
