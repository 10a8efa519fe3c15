"""Erase from the kept answers what must not stay: a list keeps its other notices, a document goes as a whole.

The hash that an answer came with stays in the ledger, with the hash of what is kept of it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.store import Store

_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ASKED_AFTER: Final = re.compile(r"/oppdatert/([0-9T:.\-]+)Z?")
# Clocks differ, and a notice may become visible before the time it says.
_TOLERANCE: Final = dt.timedelta(days=2)


def sweep_answers(store: Store, now: dt.datetime, *, progress: Progress = silent) -> int:
    """Erase from every answer that can hold an erased notice; returns how many changed."""
    gone = store.ledger.read("erased_notices")
    uuids, registered = set(gone["uuid"]), sorted(gone["registered_at"])
    answers = [one for one in erasures.whole_answers(store.ledger) if _can_hold(one[0], one[2], uuids, registered)]
    digests = sorted({digest for _, digest, _ in answers})
    changed = _sweep(store, digests, uuids, now, progress)
    # What no row names: a run was killed after it kept the bytes and before it said so, or the other way round.
    store.lake.answers.remove_all_but({digest for _, digest, _ in erasures.whole_answers(store.ledger)})
    return changed


def sweep_answers_of_run(store: Store, run_id: str, uuids: Collection[str], now: dt.datetime) -> int:
    """Erase notices that came again, or came late, from the answers of one run; returns how many changed."""
    rows = store.ledger.rows("SELECT DISTINCT coalesce(kept_sha256, sha256) FROM answers WHERE run_id = ?", [run_id])
    return _sweep(store, [digest for (digest,) in rows], set(uuids), now, silent)


def _sweep(store: Store, digests: Sequence[str], uuids: set[str], now: dt.datetime, progress: Progress) -> int:
    changed = 0
    for number, digest in enumerate(digests, 1):
        progress("erasing from answers", number, len(digests))
        try:
            body = store.lake.answers.read(digest)
        except StoreError:
            # Damaged, or erased by a run that was killed before it could record so.
            continue
        if {found.decode().lower() for found in _UUID.findall(body)} & uuids:
            remains = without(body, uuids)
            kept = None if remains is None else store.lake.answers.keep(remains)
            erasures.erase_answers(store.ledger, {digest: kept}, now)
            store.lake.answers.path(digest).unlink(missing_ok=True)
            changed += 1
    return changed


def _can_hold(resource: str, fetched_at: dt.datetime, uuids: set[str], registered: Sequence[dt.datetime]) -> bool:
    """Whether an answer can hold one of these notices: a list holds what was registered after the time it was asked for."""
    last = unquote(resource).rpartition("/")[2].lower()
    if _UUID.fullmatch(last.encode()):
        return last in uuids
    asked = _ASKED_AFTER.search(unquote(resource))
    after = (
        dt.datetime.fromisoformat(asked[1]).replace(tzinfo=dt.UTC) if asked else dt.datetime.min.replace(tzinfo=dt.UTC)
    )
    first = bisect_left(registered, after)
    return first < len(registered) and registered[first] <= fetched_at + _TOLERANCE


def without(body: bytes, uuids: Collection[str]) -> bytes | None:
    """Return a list answer without these notices; null where it is one's document, or cannot be read."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("_embedded"), dict):
        return None
    embedded = {name: _items_without(items, uuids) for name, items in answer["_embedded"].items()}
    return json.dumps({**answer, "_embedded": embedded}, ensure_ascii=False).encode()


def _items_without(items: Any, uuids: Collection[str]) -> list[Any]:  # noqa: ANN401 -- foreign JSON
    listed: Iterable[Any] = items if isinstance(items, list) else [items]
    return [one for one in listed if not _names(one, uuids)]


def _names(item: Any, uuids: Collection[str]) -> bool:  # noqa: ANN401 -- foreign JSON
    return any(found.decode().lower() in uuids for found in _UUID.findall(json.dumps(item).encode()))
