"""`konkurs publish`: exit codes, and no identifier on the terminal."""

from __future__ import annotations

from tests.cli.conftest import CommandLine
from tests.cli.test_exit_codes import FIRM, RUN, complaint, serve_opening


def test_publish_writes_a_copy_and_prints_whether_it_holds_identifiers(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    konkurs(*RUN)
    key = konkurs.folder / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    full = konkurs("publish", "full.duckdb")
    assert (full.code, "with national identifiers" in full.err) == (0, True)
    result = konkurs("publish", "copy.duckdb", "--pseudonymise", "--key-file", str(key))
    assert (result.code, "pseudonymised with the key" in result.err) == (0, True)
    assert FIRM not in full.out + full.err + result.out + result.err
    assert "raw_notices                1" in result.out
    over = konkurs("publish", "copy.duckdb")
    assert (over.code, "asked for was a full copy" in complaint(over)) == (2, True)


def test_publish_without_a_key_or_a_store_writes_nothing(konkurs: CommandLine) -> None:
    assert konkurs("publish", "copy.duckdb", "--pseudonymise").code == 2
    assert konkurs("publish", "copy.duckdb", "--key-file", "key").code == 2
    assert konkurs("publish", "copy.duckdb", "--pseudonymise", "--key-file", "key").code == 1
    nothing = konkurs("publish", "copy.duckdb")
    assert (nothing.code, "there is no store" in complaint(nothing)) == (1, True)
    assert not (konkurs.folder / "copy.duckdb").exists()
