"""Checks that everything is still what was written: answers, lake, snapshot, ledger, outbox, history, readers' files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE, LEDGER, validated
from konkurs_pipeline.storage.handoff.outbox_format import records_of
from konkurs_pipeline.storage.handoff.recovery import lacking_in_ledger, unknown_files
from konkurs_pipeline.storage.lake.hashes import hash_if_whole
from konkurs_pipeline.storage.lake.settling import EMPTY_FILE
from konkurs_pipeline.storage.lake.versions import all_in, newest_in
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.readers.analyst_views import view_problems
from konkurs_pipeline.storage.readers.published import published_problems
from konkurs_pipeline.storage.store import Store

_T = TypeVar("_T")


@dataclass(frozen=True)
class Inspection:
    """One part of the store: how many things were checked, and what is wrong. `erased`: what the retention rules erased."""

    part: str
    looked_at: int
    problems: list[str]
    erased: str | None = None


def inspect(store: Store) -> Iterator[Inspection]:
    """Check every part. If one is damaged, the next is still checked."""
    looks: dict[str, Callable[[Store], tuple[int, list[str]]]] = {
        "answers": _answers,
        "lake": _lake,
        "register": _register,
        "ledger": _ledger,
        "outbox": _outbox,
        "decisions": _decisions,
        "history": _history,
        "readers": _readers,
    }
    for part, look in looks.items():
        try:
            count, problems = look(store)
        except StoreError as error:
            count, problems = 0, [str(error)]
        yield Inspection(part, count, problems, _erased(store, part))


def _erased(store: Store, part: str) -> str | None:
    """Return what the retention rules erased from a part of the store; null: nothing."""
    table = {"answers": "answers", "lake": "erased_notices"}.get(part)
    if table is None:
        return None
    is_less = "WHERE sha256 IS DISTINCT FROM kept_sha256" if part == "answers" else ""
    ((count, last),) = store.ledger.rows(f"SELECT count(erased_at), max(erased_at) FROM {table} {is_less}")  # noqa: S608 -- own names
    what = "answers hold less than was received" if part == "answers" else "notices are gone"
    return f"{count} {what}: erased by the retention rules, the last on {last:%Y-%m-%d}" if count else None


def _answers(store: Store) -> tuple[int, list[str]]:
    digests = sorted({one.digest for one in erasures.kept_answers(store.ledger)})
    return len(digests), _failing(store.lake.answers.read, digests)


def _lake(store: Store) -> tuple[int, list[str]]:
    months = [(table, month) for table in LAKE for month in store.lake.months(table)]
    return len(months), _failing(lambda month: store.lake.verify(*month), months) + store.lake.problems


def _register(store: Store) -> tuple[int, list[str]]:
    snapshot = store.snapshots.current()
    return (0, []) if snapshot is None else (1, _failing(lambda one: one.verify(), [snapshot]))


def _ledger(store: Store) -> tuple[int, list[str]]:
    reasons = (store.ledger.untrusted_reason, lacking_in_ledger(store.layout, store.ledger))
    return len(LEDGER), [reason for reason in reasons if reason] + _failing(
        lambda name: validated(LEDGER[name], store.ledger.read(name)), LEDGER
    )


def _outbox(store: Store) -> tuple[int, list[str]]:
    ((count,),) = store.ledger.rows("SELECT count(*) FROM outbox_files")
    unknown = unknown_files(store.layout, store.ledger, store.outbox)
    older = [f"{name} was handed over and is not in the ledger: the ledger is an old copy" for name in unknown]
    return count, older + store.outbox.problems(store.ledger)


def _decisions(store: Store) -> tuple[int, list[str]]:
    """Compare the ledger's actions with the rows of the files: each is in exactly one file, and every row is known."""
    in_ledger = {
        (action_id, seq)
        for action_id, seq in store.ledger.rows("SELECT action_id, seq FROM actions WHERE seq IS NOT NULL")
    }
    in_files: list[tuple[str, int]] = []
    for seq, jsonl in store.ledger.rows("SELECT seq, jsonl FROM outbox_content ORDER BY seq"):
        in_files += [(record["action_id"], seq) for record in records_of(bytes(jsonl)) if record["record"] == "A"]
    problems = [f"action {a} is in file {s} and not in the ledger" for a, s in sorted(set(in_files) - in_ledger)]
    problems += [f"action {a} is in the ledger and not in file {s}" for a, s in sorted(in_ledger - set(in_files))]
    times = Counter(action_id for action_id, _ in in_files)
    problems += [f"action {a} was written {count} times" for a, count in sorted(times.items()) if count > 1]
    return len(in_ledger), problems


def _history(store: Store) -> tuple[int, list[str]]:
    """Compare each present state with the last one in its history: an answer "as of" now must be the present state.

    What has no history at all gets one by the next run: the store is older than the history.
    """
    history = store.ledger.read("action_history").sort("version")
    last = dict(history.select("action_id", "status").iter_rows())
    problems = [
        f"action {action_id}: its history ends with another status than it has"
        for action_id, status in store.ledger.read("actions").select("action_id", "status").iter_rows()
        if last.get(action_id, status) != status
    ]
    # The lake's part reports a file that cannot be read.
    with suppress(StoreError):
        problems += _estates_unlike_their_versions(store)
    return history.height, problems


def _estates_unlike_their_versions(store: Store) -> list[str]:
    versions = store.lake.read("estate_versions").sort("version")
    newest = dict(versions.select("opening_uuid", "state").iter_rows())
    return [
        f"estate {uuid}: its versions end with another state than it has. If that stays so after a run, remove its file in "
        f"{store.layout.table('estate_versions')}: the next run makes it from the notices"
        for uuid, state in store.lake.read("estates").select("opening_uuid", "state").iter_rows()
        if newest.get(uuid, state) != state
    ]


def _readers(store: Store) -> tuple[int, list[str]]:
    """Check the files that readers open and no run reads: published tables, older versions, empty files, views."""
    layout = store.layout
    files = [layout.table(table) / EMPTY_FILE for table in LAKE]
    for folder in map(layout.table, LAKE):
        # The newest are the lake's.
        files += sorted({*all_in(folder)} - {*newest_in(folder).values()})
    damaged = [f"{path} is damaged: the next run makes it again" for path in files if hash_if_whole(path) is None]
    problems = [*damaged, *published_problems(store.ledger, layout.published), *view_problems(layout)]
    return len(files) + len(LEDGER) + 1, problems


def _failing(verify: Callable[[_T], object], things: Iterable[_T]) -> list[str]:
    """Verify each thing; return the messages of those that fail."""
    problems = []
    for thing in things:
        try:
            verify(thing)
        except StoreError as error:
            problems.append(str(error))
    return problems
