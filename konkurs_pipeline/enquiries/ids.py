"""Finds the whole id of a notice, an action or a run from its beginning, as tables show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published

_FEWEST: Final = 8
_WHOLE: Final = 36


def whole_id(typed: str, ids: Iterable[str]) -> str:
    """Return the one of `ids` that begins with what was typed, in any case; if none does, return what was typed.

    Raises `UsageError` for fewer than 8 characters, and if several ids begin so.
    """
    beginning = typed.strip().lower()
    if len(beginning) >= _WHOLE:
        return beginning
    found = {one for one in ids if one.startswith(beginning)}
    if found and len(beginning) < _FEWEST:
        message = f"{beginning!r} is too short for an id: give {_FEWEST} characters of it or more"
        raise UsageError(message)
    if len(found) > 1:
        message = f"{len(found)} ids begin with {beginning!r}: give more of it"
        raise UsageError(message)
    return found.pop() if found else beginning


def action_ids(layout: Layout) -> list[str]:
    """Return the ids of all actions."""
    return Published(layout).read("actions", columns=["action_id"])["action_id"].to_list()


def notice_uuids(layout: Layout) -> list[str]:
    """Return the uuids of all notices."""
    return Published(layout).read("raw_notices", columns=["uuid"])["uuid"].to_list()


def erased_uuids(layout: Layout) -> list[str]:
    """Return the uuids of the notices that were erased."""
    return Published(layout).read("erased_notices", columns=["uuid"])["uuid"].to_list()


def run_ids(layout: Layout) -> list[str]:
    """Return the ids of all runs that decided something."""
    return Published(layout).read("actions", columns=["run_id"])["run_id"].unique().to_list()
