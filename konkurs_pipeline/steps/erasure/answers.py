"""Erase from the kept answers what must not stay.

A list keeps a notice if it was the first to hold it and the notice is still stored. Of any other notice it keeps the
uuid, so that it still shows which notices were visible. A list is reduced so when it holds an erased notice, and in any
case once it is older than the retention of cases that concern no customer. A document is erased with its notice. The
ledger keeps the hash of the answer as received, and of what is kept (docs/decisions/0041).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.ledger.erasures import KeptAnswer
from konkurs_pipeline.storage.store import Store

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ASKED_AFTER: Final = re.compile(r"/oppdatert/([0-9T:.\-]+)Z?")
# Clocks differ: a notice may become visible before its registration time.
_TOLERANCE: Final = dt.timedelta(days=2)
# The parts of a list that stay beside its notices; anything else is erased.
_OF_A_LIST: Final = ("_embedded", "_links", "page")
_RECORDED_TOGETHER: Final = 200


def old_answers(store: Store, before: dt.datetime) -> int:
    """Return how many answers from before a time no erasure has searched yet."""
    return sum(one.erased_at is None and one.fetched_at <= before for one in erasures.kept_answers(store.ledger))


def sweep_answers(store: Store, before: dt.datetime, now: dt.datetime, *, progress: Progress = silent) -> int:
    """Erase from every answer that can hold an erased notice, and from those before a time; returns how many changed."""
    gone = store.ledger.read("erased_notices")
    uuids, registered = set(gone["uuid"]), sorted(gone["registered_at"])
    first_to_hold = erasures.first_holders_unswept(store.ledger)
    answers = [
        one
        for one in erasures.kept_answers(store.ledger)
        if _document_of(one.resource) in uuids
        or {one.sha256, one.digest} & first_to_hold
        or (one.erased_at is None and (one.fetched_at <= before or _can_hold(one, registered)))
    ]
    changed = _sweep(store, answers, now, progress)
    # Remove bytes that no row names: a run was killed between keeping the bytes and recording them.
    store.lake.answers.remove_all_but({one.digest for one in erasures.kept_answers(store.ledger)})
    return changed


def sweep_answers_of_run(store: Store, run_id: str, now: dt.datetime) -> int:
    """Erase from the answers of one run the notices that came again or came late; returns how many changed."""
    return _sweep(store, [one for one in erasures.kept_answers(store.ledger) if one.run_id == run_id], now, silent)


def _can_hold(answer: KeptAnswer, registered: Sequence[dt.datetime]) -> bool:
    """Whether a list can hold a notice of these times: it holds notices registered after the time in its request."""
    asked = _ASKED_AFTER.search(unquote(answer.resource))
    first = bisect_left(registered, dt.datetime.fromisoformat(asked[1]).replace(tzinfo=dt.UTC)) if asked else 0
    return first < len(registered) and registered[first] <= answer.fetched_at + _TOLERANCE


def _sweep(store: Store, answers: Sequence[KeptAnswer], now: dt.datetime, progress: Progress) -> int:
    stored = store.lake.read("raw_notices", columns=["uuid", "answer_sha256"])
    held: defaultdict[str, set[str]] = defaultdict(set)
    for uid, digest in stored.iter_rows():
        held[digest].add(uid)
    documents = set(stored["uuid"])
    by_bytes = list({one.digest: one for one in answers}.values())
    for done in range(0, len(by_bytes), _RECORDED_TOGETHER):
        progress("erasing from answers", done, len(by_bytes))
        group = by_bytes[done : done + _RECORDED_TOGETHER]
        _record(store, dict(_kept_of(store, group, held, documents)), now)
    return len(by_bytes)


def _kept_of(
    store: Store, answers: Sequence[KeptAnswer], held: Mapping[str, set[str]], documents: Collection[str]
) -> Iterator[tuple[str, str | None]]:
    """Store what stays of each answer; yield the answer's hash and the hash of what stays (null: nothing)."""
    for one in answers:
        try:
            body = store.lake.answers.read(one.digest)
        except StoreError:
            # Damaged, or erased by a run that was killed before it recorded the erasure.
            continue
        uid = _document_of(one.resource)
        if uid is not None:
            yield one.digest, one.digest if uid in documents else None
        else:
            remains = remains_of(body, held.get(one.sha256, set()) | held.get(one.digest, set()))
            yield one.digest, None if remains is None else store.lake.answers.keep(remains)


def _record(store: Store, kept: Mapping[str, str | None], now: dt.datetime) -> None:
    erasures.erase_answers(store.ledger, kept, now)
    for digest, remains in kept.items():
        if remains != digest:
            store.lake.answers.path(digest).unlink(missing_ok=True)


def _document_of(resource: str) -> str | None:
    """Return the notice whose document was asked for; null: a list was."""
    last = unquote(resource).rpartition("/")[2].lower()
    return last if _UUID.fullmatch(last) else None


def remains_of(body: bytes, held: Collection[str]) -> bytes | None:
    """Return what a list keeps: the notices `held`, and the uuid of every other. Null if it cannot be read."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    remains = {name: answer[name] for name in _OF_A_LIST if name in answer}
    if "_embedded" in remains:
        listed = remains["_embedded"] if isinstance(remains["_embedded"], dict) else {}
        remains["_embedded"] = {name: list(_remaining(items, held)) for name, items in listed.items()}
    return body if remains == answer else json.dumps(remains, ensure_ascii=False).encode()


def _remaining(items: Any, held: Collection[str]) -> Iterator[Any]:  # noqa: ANN401 -- foreign JSON
    for item in items if isinstance(items, list) else [items]:
        uid = item.get("uuid") if isinstance(item, dict) else None
        named = uid if isinstance(uid, str) and _UUID.fullmatch(uid) else ""
        yield item if named.lower() in held else {"uuid": named} if named else {}
