"""The raised alarms: what needs a person now, by one function for each kind of alarm (domain/monitoring/alarms).

The asset checks of a run, the alert sensor and `konkurs status` call it. It changes nothing, and its messages hold no
national identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from konkurs_pipeline.domain.monitoring.alarms import Alarm, AlarmKind
from konkurs_pipeline.enquiries.alarms import handoff, polling, sources
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.errors import StoreError


def raised_alarms(watched: Watched) -> list[Alarm]:
    """Return what needs a person now, at most one alarm of each kind, in the order of kinds."""
    found: list[Alarm] = []
    unreadable: set[str] = set()
    for check in _CHECKS.values():
        try:
            alarm = check(watched)
        except StoreError as error:
            unreadable.add(str(error))
        else:
            found += [alarm] if alarm else []
    if unreadable:
        message = "; ".join(sorted(unreadable))
        found.insert(0, Alarm(AlarmKind.STORE_UNREADABLE, message, level=message))
    return found


_CHECKS: Final[Mapping[AlarmKind, Callable[[Watched], Alarm | None]]] = {
    AlarmKind.CLOCK_WAS_AHEAD: polling.clock_was_ahead,
    AlarmKind.NO_GOOD_POLL: polling.no_good_poll,
    AlarmKind.QUARTERS_MISSED: polling.quarters_missed,
    AlarmKind.BLOCKS_REJECTED: handoff.blocks_rejected,
    AlarmKind.BLOCK_NOT_IN_FORCE: handoff.block_not_in_force,
    AlarmKind.REOPEN_NOT_IN_FORCE: handoff.reopen_not_in_force,
    AlarmKind.BLOCKS_UNCONFIRMED: handoff.blocks_unconfirmed,
    AlarmKind.BLOCKS_HELD: handoff.blocks_held,
    AlarmKind.REGISTER_REFUSED: sources.register_refused,
    AlarmKind.POLL_INCOMPLETE: polling.poll_incomplete,
    AlarmKind.SILENCE: polling.silence,
    AlarmKind.NO_OPENINGS: polling.no_openings,
    AlarmKind.SHORT_LIST: polling.short_list,
    AlarmKind.TOO_MANY_NOTICES: polling.too_many_notices,
    AlarmKind.QUARANTINE: sources.quarantine,
    AlarmKind.RECEIPTS_SET_ASIDE: handoff.receipts_set_aside,
    AlarmKind.SECOND_SOURCE_DIFFERS: sources.second_source_differs,
    AlarmKind.SECOND_SOURCE_UNREAD: sources.second_source_unread,
    AlarmKind.NEVER_ENDED: sources.never_ended,
    AlarmKind.REGISTER_STALE: sources.register_stale,
    AlarmKind.CERTIFICATE: sources.certificate,
}
