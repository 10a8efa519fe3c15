"""The alarms: what can need a person, how bad it is, and the cure. One table; docs/runbook.md has a section for each.

Each channel is notified once when an alarm is raised or gets worse, and once when it clears (`notifications_due`). What does
not belong here: looking for alarms (enquiries/alarms) and sending (alerting).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """`error`: a block or a reopening may be late or wrong. `warning`: it may become so."""

    ERROR = "error"
    WARNING = "warning"


class AlarmKind(StrEnum):
    """What can be wrong, the most urgent first."""

    STORE_UNREADABLE = "store_unreadable"
    CLOCK_WAS_AHEAD = "clock_was_ahead"
    NO_GOOD_POLL = "no_good_poll"
    QUARTERS_MISSED = "quarters_missed"
    BLOCKS_REJECTED = "blocks_rejected"
    BLOCK_NOT_IN_FORCE = "block_not_in_force"
    REOPEN_NOT_IN_FORCE = "reopen_not_in_force"
    BLOCKS_UNCONFIRMED = "blocks_unconfirmed"
    BLOCKS_HELD = "blocks_held"
    REGISTER_REFUSED = "register_refused"
    POLL_INCOMPLETE = "poll_incomplete"
    SILENCE = "silence"
    NO_OPENINGS = "no_openings"
    SHORT_LIST = "short_list"
    TOO_MANY_NOTICES = "too_many_notices"
    QUARANTINE = "quarantine"
    RECEIPTS_SET_ASIDE = "receipts_set_aside"
    SECOND_SOURCE_DIFFERS = "second_source_differs"
    SECOND_SOURCE_UNREAD = "second_source_unread"
    NEVER_ENDED = "never_ended"
    REGISTER_STALE = "register_stale"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class AlarmRule:
    """What an alarm means and what to do. `asset`: Dagster shows the alarm's check there, under the alarm's name."""

    severity: Severity
    asset: str
    passes_when: str
    cure: str


RULES: Final[Mapping[AlarmKind, AlarmRule]] = {
    AlarmKind.STORE_UNREADABLE: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "Everything that was published can be read",
        "`konkurs verify` names what is damaged; docs/operations.md says how to restore it",
    ),
    AlarmKind.CLOCK_WAS_AHEAD: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "No poll was recorded with a time that lies in the future",
        "mend the machine's clock, then `konkurs doctor`, and restart dagster-daemon: its schedules wait for that time",
    ),
    AlarmKind.NO_GOOD_POLL: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "A poll had the list within the last 45 minutes of opening hours, else within 7 hours",
        "look at the last runs in Dagster, then `konkurs doctor`; is dagster-daemon running?",
    ),
    AlarmKind.QUARTERS_MISSED: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "Every quarter of opening hours in the lookback was read by a poll, then or later",
        "`konkurs gaps` lists them; `konkurs run` heals those of the lookback, `konkurs run --from DAY --to DAY` older ones",
    ),
    AlarmKind.BLOCKS_REJECTED: AlarmRule(
        Severity.ERROR,
        "outbox",
        "Core banking rejected no BLOCK or REOPEN",
        "the account is not as the law asks: carry it out by hand, and let core banking send a receipt that says so",
    ),
    AlarmKind.BLOCK_NOT_IN_FORCE: AlarmRule(
        Severity.ERROR,
        "outbox",
        "Every account that core banking says it blocked is blocked in the register that was accepted afterwards",
        "view `enforcement`, `holds` false: see whether the account is open, block it by hand, and ask who opened it",
    ),
    AlarmKind.REOPEN_NOT_IN_FORCE: AlarmRule(
        Severity.ERROR,
        "outbox",
        "Every account that core banking says it reopened is open in the register that was accepted afterwards",
        "view `enforcement`, `holds` false: the customer may be blocked without cause; reopen it by hand, or ask who blocks",
    ),
    AlarmKind.BLOCKS_UNCONFIRMED: AlarmRule(
        Severity.ERROR,
        "outbox",
        "Every BLOCK is confirmed by core banking within 60 minutes of its file",
        "ask core banking whether it read the file, and where its receipt is; `konkurs status`",
    ),
    AlarmKind.BLOCKS_HELD: AlarmRule(
        Severity.ERROR,
        "actions",
        "No BLOCK row waits for a person's release",
        "`konkurs held`, look at the notices, then `konkurs release`",
    ),
    AlarmKind.REGISTER_REFUSED: AlarmRule(
        Severity.ERROR,
        "customers",
        "Today's register files were accepted; else the last accepted ones are used",
        "mend the bank's export: the reason is in `konkurs status`; new customers are not matched until then",
    ),
    AlarmKind.POLL_INCOMPLETE: AlarmRule(
        Severity.WARNING,
        "expanded_datasets",
        "The last poll got all it needed",
        "the next poll tries again; if it goes on, `konkurs doctor`",
    ),
    AlarmKind.SILENCE: AlarmRule(
        Severity.WARNING,
        "raw_notices",
        "No two opening hours of a workday pass without a notice",
        "ask the register's service desk whether it writes; 200 with an empty list all day is how an outage looks",
    ),
    AlarmKind.NO_OPENINGS: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "No workday passes without an aapning",
        "`konkurs contract`: does the list still name its types as before? Then ask the register's service desk",
    ),
    AlarmKind.SHORT_LIST: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "The list is not far shorter than what is known of the same days",
        "`konkurs contract`; is the list paged or cut? Ask the register's service desk. What was known is kept",
    ),
    AlarmKind.TOO_MANY_NOTICES: AlarmRule(
        Severity.WARNING,
        "raw_notices",
        "No workday or hour has far more notices of a type than expected",
        "look at the notices of that time in `raw_notices`; BLOCK rows above the limit are held, REOPEN rows never",
    ),
    AlarmKind.QUARANTINE: AlarmRule(
        Severity.WARNING,
        "actions",
        "No open quarantine entry keeps a notice from being acted on",
        "`konkurs quarantine --status open` says what is wrong with each; their notices are in REVIEW",
    ),
    AlarmKind.RECEIPTS_SET_ASIDE: AlarmRule(
        Severity.WARNING,
        "outbox",
        "Every receipt of core banking that stands in the folder was understood",
        "`konkurs receipts` says why; core banking must send it again, or take it out of the folder",
    ),
    AlarmKind.SECOND_SOURCE_DIFFERS: AlarmRule(
        Severity.WARNING,
        "estates",
        "Enhetsregisteret and the known bankruptcies agree",
        "look at the view `second_source` or run `konkurs compare`; docs/runbook.md says what each difference can mean",
    ),
    AlarmKind.SECOND_SOURCE_UNREAD: AlarmRule(
        Severity.WARNING,
        "estates",
        "Enhetsregisteret was compared within the last three days, or is off",
        "`konkurs compare` says what is wrong; check KONKURS_ENHETSREGISTERET_URL. No block waits for it",
    ),
    AlarmKind.NEVER_ENDED: AlarmRule(
        Severity.WARNING,
        "estates",
        "No bankruptcy and no quarantine entry is open for 15 years",
        "look each up on brreg.no: its end may have been missed, and personal data is kept until it comes",
    ),
    AlarmKind.REGISTER_STALE: AlarmRule(
        Severity.WARNING,
        "customers",
        "The bank's customers file is of the last two workdays",
        "the bank's export does not arrive: customers who joined since are not matched",
    ),
    AlarmKind.CERTIFICATE: AlarmRule(
        Severity.ERROR,
        "raw_notices",
        "The client certificate can be used, and is valid for 60 days more",
        "order a new enterprise certificate (docs/onboarding.md) and replace the file: the next poll uses it",
    ),
}
# The bounds of the alarms. Those of volumes: `volume`. The days left and the minutes unconfirmed raise an alarm again.
CERTIFICATE_DAYS: Final = (60, 30, 14, 7, 1, 0)
UNCONFIRMED_MINUTES: Final = (60, 240, 1440)
# The schedule polls every quarter of opening hours, and every third hour outside them.
LONGEST_IN_OPENING_HOURS: Final = dt.timedelta(minutes=45)
LONGEST_OUTSIDE_OPENING_HOURS: Final = dt.timedelta(hours=7)
QUARTER_MISSED_AFTER: Final = dt.timedelta(hours=1)
LONGEST_WITHOUT_COMPARISON: Final = dt.timedelta(days=3)
REGISTER_STALE_AFTER_WORKDAYS: Final = 2


@dataclass(frozen=True)
class Alarm:
    """One thing that needs a person now. `message`: what, without identifiers. A new `level` is notified again."""

    kind: AlarmKind
    message: str
    level: str = ""

    @property
    def rule(self) -> AlarmRule:
        """Return what the alarm means and its cure."""
        return RULES[self.kind]

    def __str__(self) -> str:
        """Return the message with its cure."""
        return f"{self.message}: {self.rule.cure}"


@dataclass(frozen=True)
class Notified:
    """The last notification of an alarm on one channel."""

    level: str
    message: str


@dataclass(frozen=True)
class Notification:
    """One notification that a channel must get now. `alarm` null: the alarm `kind` cleared."""

    channel: str
    kind: AlarmKind
    alarm: Alarm | None
    before: Notified | None


# Channel → kind of alarm → its last notification.
State = Mapping[str, Mapping[AlarmKind, Notified]]


def notifications_due(alarms: Sequence[Alarm], state: State, channels: Iterable[str]) -> list[Notification]:
    """Return the notifications of alarms that are new, at another level, or cleared."""
    raised = {alarm.kind: alarm for alarm in alarms}
    notifications = []
    for channel in channels:
        notified = state.get(channel, {})
        for kind in AlarmKind:
            alarm, before = raised.get(kind), notified.get(kind)
            is_new = alarm is not None and (before is None or before.level != alarm.level)
            if is_new or (alarm is None and before is not None):
                notifications.append(Notification(channel, kind, alarm, before))
    return notifications


def after_delivery(
    state: State, delivered: Iterable[Notification], channels: Iterable[str]
) -> dict[str, dict[AlarmKind, Notified]]:
    """Return the state after `delivered`; a notification that failed is due again."""
    known = {channel: dict(state.get(channel, {})) for channel in channels}
    for notification in delivered:
        if notification.alarm is None:
            known[notification.channel].pop(notification.kind, None)
        else:
            known[notification.channel][notification.kind] = Notified(
                notification.alarm.level, notification.alarm.message
            )
    return known
