"""`konkurs publish`: a copy of everything, or one that holds no identifier, name or address."""

from __future__ import annotations

import datetime as dt
import hmac
import shutil
import stat
from pathlib import Path
from typing import Final

import duckdb
import pytest

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.schemas.table import facts
from konkurs_pipeline.schemas.tables import JOURNALS, LAKE, LEDGER
from konkurs_pipeline.schemas.views import VIEWS
from konkurs_pipeline.storage.readers import publication
from konkurs_pipeline.storage.readers.publication import publish_copy, read_key
from konkurs_pipeline.storage.readers.query import ask
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, CrashError, company, damaged, person

NOW: Final = dt.datetime(2018, 9, 5, 12, tzinfo=dt.UTC)
ABOUT: Final = {"bank_id": "DEMO", "environment": "demo"}
DECLARED: Final = {
    (name, c): f.privacy for name, t in {**LAKE, **LEDGER, **JOURNALS, **VIEWS}.items() for c, f in facts(t).items()
}
TABLES: Final = sorted({**LAKE, **LEDGER, **JOURNALS, **VIEWS})


@pytest.fixture
def polled(bank: Bank) -> Bank:
    """Return a bank whose store holds identifiers in every possible place, also in wrong ones."""
    bank.customer("K-1", person("debtor"), name="KARI NORDMANN")
    # A bank whose customer references are national identifiers.
    bank.customer(company("firm"), company("firm"))
    bank.customer("K-3", damaged(person("unsound")))
    bank.notice("aapning", person("debtor"), MONDAY)
    bank.notice("aapning", company("firm"), MONDAY)
    bank.notice("aapning", damaged(person("unsound")), MONDAY)
    bank.notice(f"ukjent {person('in a type')}", company("firm"), MONDAY)
    bank.poll(MONDAY)
    bank.notice("sletting", person("debtor"), TUESDAY)
    bank.poll(TUESDAY)
    return bank


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


def publish(bank: Bank, target: Path, key: Path | None) -> None:
    publish_copy(bank.layout, target, ABOUT, read_key(key) if key else None, NOW)


def values_of(path: Path) -> set[str]:
    """Return every text in a file. DuckDB compresses some, so searching the bytes is not enough."""
    with duckdb.connect(str(path), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            str(value)
            for name in tables
            for row in con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name}").fetchall()  # noqa: S608 -- own names
            for value in row
        }


def secrets(bank: Bank) -> set[str]:
    """Return the texts that must not be found. They are listed by hand, so that a wrong declaration cannot hide itself."""
    columns = [
        ("raw_notices", "debtor_id"),
        ("debtors", "national_id"),
        ("debtors", "name"),
        ("debtors", "postal_code"),
    ]
    columns += [("debtors", "postal_place"), ("actions", "account_no"), ("actions", "action_id")]
    values = {value for name, column in columns for value in bank.published(name)[column].drop_nulls()}
    return {person("in a type"), *values}


def test_every_column_declares_its_privacy() -> None:
    """Free text must declare it in its schema. A pseudonymised copy leaves out columns without a declaration."""
    assert [key for key, privacy in DECLARED.items() if privacy is None] == []


def test_a_pseudonymised_copy_holds_nothing_that_identifies_a_person(polled: Bank, key: Path) -> None:
    hidden = secrets(polled)
    assert {person("debtor"), company("firm"), damaged(person("unsound"))} <= hidden
    assert any(value.isdigit() and len(value) == 4 for value in hidden), "postal codes were fetched"
    full, pseudonymised = polled.folder / "full.duckdb", polled.folder / "copy.duckdb"
    publish(polled, full, None)
    publish(polled, pseudonymised, key)
    # The same search finds them all in the store.
    everything = "\n".join(values_of(full))
    assert [secret for secret in hidden if secret not in everything] == []
    texts, content = values_of(pseudonymised), pseudonymised.read_bytes()
    long = {secret for secret in hidden if len(secret) > 4}  # many numbers contain a postal code
    assert [secret for secret in long if any(secret in value for value in texts)] == []
    assert [secret for secret in long if secret.encode() in content] == []
    assert hidden & texts == set()


def test_one_person_has_one_pseudonym_in_every_table_and_copy(polled: Bank, key: Path) -> None:
    expected = hmac.new(key.read_bytes(), person("debtor").encode(), "sha256").hexdigest()[:32]
    for name in ("first.duckdb", "second.duckdb"):
        publish(polled, polled.folder / name, key)
        with duckdb.connect(str(polled.folder / name), read_only=True) as con:
            for table, column in (("raw_notices", "debtor_id"), ("debtors", "national_id"), ("estates", "debtor_id")):
                found = con.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", [expected]).fetchone()  # noqa: S608
                assert found != (0,)
            joined = con.execute(
                "SELECT count(*) FROM actions r JOIN actions b ON b.action_id = r.caused_by"
            ).fetchone()
            assert joined == (1,)


def _row_count(bank: Bank, table: str) -> int:
    if table not in VIEWS:
        return bank.published(table).height
    ((count,),) = ask(bank.layout, f"SELECT count(*) FROM {table}").rows  # noqa: S608 -- own names
    return int(count)


def test_a_copy_stands_alone_with_its_comments_and_answers_as_of(polled: Bank, key: Path, tmp_path: Path) -> None:
    for used in (None, key):
        target = tmp_path / f"alone {used is None}.duckdb"
        publish(polled, target, used)
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        with duckdb.connect(str(target), read_only=True) as con:
            assert (
                con.execute("SELECT table_name FROM duckdb_tables() WHERE coalesce(comment, '') = ''").fetchall() == []
            )
            assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)
            for table in TABLES:
                (count,) = con.execute(f"SELECT count(*) FROM {table}").fetchone() or (None,)  # noqa: S608
                assert count == _row_count(polled, table)
            now = "SELECT action_id, status FROM actions"
            then = "SELECT action_id, status FROM actions_as_of(now())"
            assert sorted(con.execute(now).fetchall()) == sorted(con.execute(then).fetchall())
            assert con.execute("SELECT count(*) FROM estates_as_of(now())").fetchone() == (3,)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".alone")] == []


def test_only_a_copy_of_the_same_kind_and_key_is_replaced(polled: Bank, key: Path, tmp_path: Path) -> None:
    target, other_key = tmp_path / "copy.duckdb", tmp_path / "other"
    other_key.write_bytes(b"o" * 32)
    other_key.chmod(0o600)
    publish(polled, target, key)
    publish(polled, target, key)
    for used in (None, other_key):
        before = target.read_bytes()
        with pytest.raises(UsageError, match="asked for was"):
            publish(polled, target, used)
        assert target.read_bytes() == before
    for foreign in (polled.layout.ledger, polled.layout.analyst_database, key, tmp_path):
        with pytest.raises(UsageError, match="not a copy that this command made"):
            publish(polled, foreign, key)
    with pytest.raises(UsageError, match="there is no folder"):
        publish(polled, tmp_path / "none" / "copy.duckdb", key)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [(b"k" * 31, 0o600, "31 bytes"), (b"k" * 32, 0o640, "0640"), (None, 0o600, "/dev/urandom")],
    ids=["too short", "others may read it", "not there"],
)
def test_an_unusable_key_is_refused_with_the_cure(tmp_path: Path, content: bytes | None, mode: int, why: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(UsageError, match=why):
        read_key(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(UsageError, match=why):
        read_key(link)


def test_a_pseudonymised_copy_keeps_codes_and_dates_of_a_document_and_drops_names(polled: Bank, key: Path) -> None:
    target = polled.folder / "copy.duckdb"
    publish(polled, target, key)
    with duckdb.connect(str(target), read_only=True) as con:
        columns = {name for name, *_ in con.execute("DESCRIBE documents").fetchall()}
        codes = con.execute("SELECT DISTINCT konkursgrunnlag FROM documents").fetchall()
        (row,) = con.execute("SELECT count(fristdag), count(konkursbo_orgnr), count(*) FROM documents").fetchall()
    kept = {"konkursgrunnlag", "avviklingskode", "avslutningskode", "innstillingsdato", "fristdag", "fordringsfrist"}
    assert kept <= columns
    assert columns.isdisjoint({"name", "postal_code", "postal_place", "bostyrer_name"})
    assert {code for (code,) in codes} <= {"B", "O", "T"}
    assert row[0] == row[1] == row[2] > 0


def test_a_killed_publication_leaves_nothing_beside_the_target(
    polled: Bank, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in polled.layout.publishing.rglob("*")}
        assert {mode & 0o077 for mode in modes.values()} == {0}, "it is private also while it is built"
        raise CrashError

    monkeypatch.setattr(publication, "put_whole", killed)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(CrashError):
        publish(polled, tmp_path / "copy.duckdb", key)
    monkeypatch.undo()
    assert list(tmp_path.glob("*copy.duckdb*")) == []
    polled.poll(WEDNESDAY)
    assert not polled.layout.publishing.exists(), "the next run removes the leftover"


def test_a_pseudonymised_copy_leaves_out_free_text_and_unknown_words(polled: Bank, key: Path) -> None:
    publish(polled, polled.folder / "copy.duckdb", key)
    with duckdb.connect(str(polled.folder / "copy.duckdb"), read_only=True) as con:
        types = {kind for (kind,) in con.execute("SELECT DISTINCT type FROM raw_notices").fetchall()}
        columns = {
            (table, c) for table, c in con.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall()
        }
    assert types <= {"aapning", "sletting", "oppheving", "avslutning", None}
    assert None in types, "the unknown type is left out"
    assert not columns & {("reviews", "note"), ("actions", "status_code"), ("receipts", "name")}
