"""Each channel gets each alarm once, again when it gets worse, and once when it clears."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.monitoring.alarms import (
    RULES,
    Alarm,
    AlarmKind,
    Notification,
    State,
    after_delivery,
    notifications_due,
)

CHANNELS = ("webhook", "email")
some_alarms = st.lists(
    st.builds(Alarm, st.sampled_from(AlarmKind), st.just("said"), st.sampled_from(["", "1", "2"])),
    unique_by=lambda alarm: alarm.kind,
    max_size=4,
)


def test_every_kind_of_alarm_has_its_rule() -> None:
    assert set(RULES) == set(AlarmKind)


def test_an_alarm_gives_one_notification_and_another_when_it_clears() -> None:
    held = Alarm(AlarmKind.BLOCKS_HELD, "3 rows are held")
    first = notifications_due([held], {}, CHANNELS)
    assert [(one.channel, one.alarm) for one in first] == [("webhook", held), ("email", held)]
    after_first = after_delivery({}, first, CHANNELS)
    assert notifications_due([held], after_first, CHANNELS) == []
    cleared = notifications_due([], after_first, CHANNELS)
    assert [(one.channel, one.alarm, one.before.message if one.before else "") for one in cleared] == [
        ("webhook", None, "3 rows are held"),
        ("email", None, "3 rows are held"),
    ]
    assert notifications_due([], after_delivery(after_first, cleared, CHANNELS), CHANNELS) == []


def test_an_alarm_at_another_level_gives_another_notification() -> None:
    after_first = after_delivery(
        {}, notifications_due([Alarm(AlarmKind.CERTIFICATE, "", "30")], {}, CHANNELS), CHANNELS
    )
    assert notifications_due([Alarm(AlarmKind.CERTIFICATE, "29 days", "30")], after_first, CHANNELS) == []
    assert len(notifications_due([Alarm(AlarmKind.CERTIFICATE, "", "14")], after_first, CHANNELS)) == len(CHANNELS)


@given(rounds=st.lists(st.tuples(some_alarms, st.sets(st.sampled_from(CHANNELS))), max_size=8))
def test_with_failing_deliveries_each_channel_gets_every_change_it_missed_and_none_twice(
    rounds: list[tuple[list[Alarm], set[str]]],
) -> None:
    state: State = {}
    received: dict[str, dict[AlarmKind, str]] = {channel: {} for channel in CHANNELS}
    for alarms, failing in rounds:
        due = notifications_due(alarms, state, CHANNELS)
        delivered = [notification for notification in due if notification.channel not in failing]
        for notification in delivered:
            _receive(received[notification.channel], notification)
        state = after_delivery(state, delivered, CHANNELS)
        for channel in set(CHANNELS) - failing:
            assert received[channel] == {alarm.kind: alarm.level for alarm in alarms}


def _receive(knows: dict[AlarmKind, str], notification: Notification) -> None:
    """Receive a change; a known change would be an alert sent twice."""
    if notification.alarm is None:
        del knows[notification.kind]
    else:
        assert knows.get(notification.kind) != notification.alarm.level
        knows[notification.kind] = notification.alarm.level
