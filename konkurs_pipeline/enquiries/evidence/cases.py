"""Which notices make one case: an opening and the notices that changed it, or one notice that belongs to no opening.

What belongs here: the grouping, from the fold of the debtor's notices. What does not: what was known and done (gathering).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.notices import Notice, NoticeType
from konkurs_pipeline.storage.readers.published import Published

_NOTICE_FIELDS = ("uuid", "type", "registered_at", "registered_at_text", "ruling_date", "debtor_id")


@dataclass(frozen=True)
class CaseNotices:
    """The notices of one case in order, and the debtor's other notices.

    `opening_uuid` and `state` (open, deleted, revoked, closed) are null if the notice belongs to no opening.
    """

    opening_uuid: str | None
    state: str | None
    notices: tuple[Notice, ...]
    others: tuple[Notice, ...]


def case_of(published: Published, notice_uuid: str) -> CaseNotices | None:
    """Return the case that a notice belongs to; null if the store has no such notice."""
    rows = published.read("raw_notices").select(_NOTICE_FIELDS)
    debtor = rows.filter(pl.col("uuid") == notice_uuid)["debtor_id"]
    if debtor.is_empty():
        return None
    found = rows.filter(pl.col("debtor_id") == debtor[0]).sort("registered_at", "uuid")
    notices = [Notice(*row) for row in found.iter_rows()]
    opening_of = {notice.uuid: _opening_of(notice, notices) for notice in notices}
    opening = opening_of[notice_uuid]
    states = {estate.opening.uuid: estate.state.value for estate in fold_estates(notices).estates}
    ours = {uuid for uuid in opening_of if uuid == notice_uuid or (opening is not None and opening_of[uuid] == opening)}
    return CaseNotices(
        opening_uuid=opening,
        state=states.get(opening) if opening else None,
        notices=tuple(notice for notice in notices if notice.uuid in ours),
        others=tuple(notice for notice in notices if notice.uuid not in ours),
    )


def _opening_of(notice: Notice, notices: Sequence[Notice]) -> str | None:
    """Return the notice if it is an opening, else the opening that it changed when it was registered."""
    if notice.type == NoticeType.AAPNING:
        return notice.uuid
    until_then = [other for other in notices if other.order <= notice.order]
    changed = [estate for estate in fold_estates(until_then).estates if estate.changed_by == notice]
    return changed[0].opening.uuid if changed else None
