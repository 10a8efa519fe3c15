"""Folders that refuse an operation, paths that look like patterns, and half-made copies."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from konkurs_pipeline.errors import SettingsError, StoreError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage import files
from konkurs_pipeline.storage.files import (
    PRIVATE_FILE,
    hash_if_file,
    hash_of,
    make_private_folder,
    put_whole,
    refusals_of,
    write_bytes_atomically,
)


@pytest.mark.parametrize("name", ["bank [test] 1", "hva nå?", "a*b"])
def test_a_data_folder_that_looks_like_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    environ = {"KONKURS_DATA_DIR": str(tmp_path / name), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with pytest.raises(SettingsError, match=r"KONKURS_DATA_DIR is .* for patterns"):
        load_settings(environ, dotenv=tmp_path / "none")
    assert list(tmp_path.iterdir()) == [], "nothing is touched"


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_share_that_refuses_chmod_and_folder_sync_delays_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = files._sync  # noqa: SLF001 -- behaves like the share
    monkeypatch.setattr(files, "_sync", lambda path: refuse() if path.is_dir() else sync(path))
    monkeypatch.setattr(Path, "chmod", refuse)
    make_private_folder(tmp_path / "outbox", mode=0o750)
    write_bytes_atomically(tmp_path / "outbox" / "file", b"block", mode=0o640)
    assert (tmp_path / "outbox" / "file").read_bytes() == b"block"
    assert [text.split(" (")[0] for text in refusals_of(tmp_path / "outbox")] == ["chmod", "fsync of the folder"]
    with pytest.raises(StoreError):
        write_bytes_atomically(tmp_path / "ledger", b"private", mode=PRIVATE_FILE)


def test_a_copy_appears_whole_and_only_its_owner_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "out" / "target"
    source.write_bytes(b"content")
    target.parent.mkdir()
    put_whole(source, target)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"content", 0o600)
    monkeypatch.setattr(os, "link", refuse)
    source.write_bytes(b"other")
    with pytest.raises(StoreError):
        put_whole(source, target)
    assert [path.name for path in target.parent.iterdir()] == ["target"], "nothing is left beside it"
    assert target.read_bytes() == b"content"


def test_only_a_file_has_a_hash_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "link-to-nothing").symlink_to("nothing")
    (tmp_path / "link-to-itself").symlink_to("link-to-itself")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        names = [*(path.name for path in tmp_path.iterdir()), "absent", "file/in-a-file"]
        found = {name: hash_if_file(f"{tmp_path}/{name}") for name in names}
    assert {name: digest for name, digest in found.items() if digest} == dict.fromkeys(
        ("file", "link"), hash_of(b"bytes")
    )
    assert len(found) == 9
