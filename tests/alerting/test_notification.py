"""A channel that never answers delays no other channel, and no channel gets an alert twice."""

from __future__ import annotations

import datetime as dt
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from konkurs_pipeline.alerting import channels
from konkurs_pipeline.alerting.channels import channels_of
from konkurs_pipeline.alerting.message import Message
from konkurs_pipeline.alerting.notification import Round, as_text, from_text, notify
from konkurs_pipeline.domain.monitoring.alarms import Alarm, AlarmKind, State
from konkurs_pipeline.errors import AlertError
from konkurs_pipeline.settings import Settings, load_settings

NOW = dt.datetime(2026, 3, 27, 11, tzinfo=dt.UTC)
HELD = Alarm(AlarmKind.BLOCKS_HELD, "3 BLOCK rows are held back")
SILENT = Alarm(AlarmKind.SILENCE, "no notice for 3 hours")


class Channels:
    """A channel that takes everything, one that fails, and one that never answers."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tried = 0
        self.is_released = threading.Event()

    def good(self, message: Message) -> None:
        self.taken.append(message.alarm)

    def failing(self, _message: Message) -> None:
        self.tried += 1
        failed = "the channel is away"
        raise AlertError(failed)

    def never(self, _message: Message) -> None:
        self.is_released.wait(30)


@pytest.fixture
def fakes() -> Iterator[Channels]:
    fakes = Channels()
    yield fakes
    fakes.is_released.set()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"KONKURS_DATA_DIR": str(tmp_path)}, dotenv=tmp_path / "none")


def test_beside_a_channel_that_never_answers_the_others_get_the_alert_once(fakes: Channels, settings: Settings) -> None:
    state: State = {}
    for _ in range(4):
        round_ = notify([HELD], state, {"webhook": fakes.never, "command": fakes.good}, settings, NOW, seconds=0.2)
        state = from_text(as_text(round_.state))
        assert round_.failures == ("the channel webhook did not take its alerts within 0.2 s",)
    assert fakes.taken == ["blocks_held"]


def test_a_channel_that_fails_is_left_alone_until_the_next_round(fakes: Channels, settings: Settings) -> None:
    """Ten alerts to a server that is away would take ten times its timeout."""
    done: Round = notify([HELD, SILENT], {}, {"email": fakes.failing, "command": fakes.good}, settings, NOW)
    assert fakes.tried == 1
    assert done.failures == ("the channel is away",)
    assert fakes.taken == ["blocks_held", "silence"]
    assert done.sent == 2


@contextmanager
def dripping() -> Iterator[int]:
    """Serve on loopback an answer without an end: one byte at a time, so that no single read times out."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                while not stop.wait(0.05):
                    connection.sendall(b"2")
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("channel", ["webhook", "email", "command"])
def test_a_channel_that_answers_byte_by_byte_is_cut_off(
    channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_TIMEOUT_S", 0.5)
    with dripping() as port:
        environ = {
            "webhook": {"KONKURS_ALERT_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook"},
            "email": {
                "KONKURS_ALERT_SMTP": f"127.0.0.1:{port}",
                "KONKURS_ALERT_EMAIL_FROM": "a@bank.example",
                "KONKURS_ALERT_EMAIL_TO": "b@bank.example",
            },
            # A child that the command leaves behind keeps its output open.
            "command": {"KONKURS_ALERT_COMMAND": f"{sys.executable} -c 'import os; os.fork(); os.system(\"sleep 5\")'"},
        }[channel]
        settings = load_settings({"KONKURS_DATA_DIR": str(tmp_path), **environ}, dotenv=tmp_path / "none")
        done = notify([HELD], {}, channels_of(settings), settings, NOW, seconds=4)
    assert done.sent == 0
    assert len(done.failures) == 1
    assert "did not take its alerts within" not in done.failures[0], "the channel was cut off"
