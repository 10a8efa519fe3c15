"""Alerts leave by webhook, e-mail server and command: real ones on loopback, working and failing."""

from __future__ import annotations

import datetime as dt
import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from konkurs_pipeline.alerting.channels import channels_of
from konkurs_pipeline.alerting.message import Message, message_of
from konkurs_pipeline.domain.monitoring.alarms import Alarm, AlarmKind, Notification, Notified
from konkurs_pipeline.errors import AlertError, SettingsError
from konkurs_pipeline.settings import Settings, load_settings
from tests.contracts.validity import assert_valid

NOW = dt.datetime(2026, 3, 27, 11, tzinfo=dt.UTC)
HELD = Alarm(AlarmKind.BLOCKS_HELD, "3 BLOCK rows are held back")


def settings_of(folder: Path, **alerts: str) -> Settings:
    environ = {"KONKURS_DATA_DIR": str(folder), "KONKURS_API_URL": "http://127.0.0.1:1", "KONKURS_BANK_ID": "BANK"}
    return load_settings(
        environ | {f"KONKURS_ALERT_{name}": value for name, value in alerts.items()}, dotenv=folder / "none"
    )


@pytest.fixture
def raised(tmp_path: Path) -> Message:
    return message_of(Notification("webhook", HELD.kind, HELD, None), settings_of(tmp_path), NOW)


class Webhook(BaseHTTPRequestHandler):
    """Takes what is posted, and answers with a status."""

    taken: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 204

    def do_POST(self) -> None:
        self.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def webhook() -> Iterator[str]:
    Webhook.taken, Webhook.status = [], 204
    with served(HTTPServer(("127.0.0.1", 0), Webhook)) as port:
        yield f"http://127.0.0.1:{port}/hook?token=secret-token"


class Mailbox(socketserver.StreamRequestHandler):
    """Speaks enough SMTP to take a message."""

    taken: ClassVar[list[str]] = []
    refuses: ClassVar[bool] = False

    def handle(self) -> None:
        self.wfile.write(b"220 loopback\r\n")
        lines: list[str] = []
        is_data = False
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if is_data and line != ".":
                lines.append(line)
                continue
            verb = line.split(" ")[0].split(":")[0].upper()
            answers = {"DATA": b"354 go on", "QUIT": b"221 bye", "MAIL": b"550 no" if self.refuses else b"250 ok"}
            self.wfile.write(answers.get(verb, b"250 ok") + b"\r\n")
            if is_data:
                self.taken.append("\n".join(lines))
            is_data = verb == "DATA"
            if verb == "QUIT":
                return


@pytest.fixture
def mail_server() -> Iterator[int]:
    Mailbox.taken, Mailbox.refuses = [], False
    with served(socketserver.TCPServer(("127.0.0.1", 0), Mailbox)) as port:
        yield port


def test_without_settings_nothing_leaves(tmp_path: Path) -> None:
    assert dict(channels_of(settings_of(tmp_path))) == {}


def test_a_webhook_gets_the_alert_as_json(tmp_path: Path, webhook: str, raised: Message) -> None:
    channels_of(settings_of(tmp_path, WEBHOOK_URL=webhook))["webhook"](raised)
    (taken,) = Webhook.taken
    assert_valid("alert", taken)
    assert {name: taken[name] for name in ("schema", "event", "alarm", "severity", "said", "bank", "at")} == {
        "schema": "konkurs-alert/1",
        "event": "raised",
        "alarm": "blocks_held",
        "severity": "error",
        "said": "3 BLOCK rows are held back",
        "bank": "BANK",
        "at": "2026-03-27T11:00:00+00:00",
    }
    assert "konkurs release" in taken["cure"]
    assert taken["cure"] in taken["text"]


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_webhook_that_refuses_an_alert_is_an_error_that_hides_the_token(
    tmp_path: Path, webhook: str, raised: Message, status: int
) -> None:
    Webhook.status = status
    with pytest.raises(AlertError, match=f"answered {status}") as caught:
        channels_of(settings_of(tmp_path, WEBHOOK_URL=webhook))["webhook"](raised)
    assert "secret-token" not in str(caught.value)
    assert len(Webhook.taken) == 1, "a redirect is not followed"


def test_a_webhook_that_cannot_be_reached_is_an_error_that_hides_the_token(tmp_path: Path, raised: Message) -> None:
    with pytest.raises(AlertError, match="cannot be reached") as caught:
        channels_of(settings_of(tmp_path, WEBHOOK_URL="http://127.0.0.1:1/?token=secret-token"))["webhook"](raised)
    assert "secret-token" not in str(caught.value)


def test_an_email_names_the_problem_and_the_cure(tmp_path: Path, mail_server: int, raised: Message) -> None:
    settings = settings_of(
        tmp_path, SMTP=f"127.0.0.1:{mail_server}", EMAIL_FROM="konkurs@bank.example", EMAIL_TO="ops@bank.example"
    )
    channels_of(settings)["email"](raised)
    (mail,) = Mailbox.taken
    assert "Subject: [konkurs BANK demo] raised: blocks_held (error)" in mail
    assert "What to do: `konkurs held`" in mail


def test_an_email_server_that_refuses_is_an_error(tmp_path: Path, mail_server: int, raised: Message) -> None:
    Mailbox.refuses = True
    settings = settings_of(
        tmp_path, SMTP=f"127.0.0.1:{mail_server}", EMAIL_FROM="a@bank.example", EMAIL_TO="b@bank.example"
    )
    with pytest.raises(AlertError, match="did not take the alert"):
        channels_of(settings)["email"](raised)


def test_a_command_gets_the_alert_on_standard_input_and_none_of_our_settings(
    tmp_path: Path, raised: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONKURS_CLIENT_P12_PASSWORD", "secret")
    script = tmp_path / "tell.py"
    script.write_text(
        "import json, os, pathlib, sys\n"
        "taken = json.load(sys.stdin) | {'secrets': [n for n in os.environ if n.startswith('KONKURS_')]}\n"
        "pathlib.Path(sys.argv[1]).write_text(json.dumps(taken))\n"
    )
    channels_of(settings_of(tmp_path, COMMAND=f"{sys.executable} {script} '{tmp_path / 'taken file'}'"))["command"](
        raised
    )
    taken = json.loads((tmp_path / "taken file").read_text())
    assert (taken["alarm"], taken["secrets"]) == ("blocks_held", [])


@pytest.mark.parametrize("command", ["false", "/no/such/command", "'unbalanced"])
def test_a_command_that_fails_is_an_error(tmp_path: Path, raised: Message, command: str) -> None:
    with pytest.raises(AlertError, match="KONKURS_ALERT_COMMAND"):
        channels_of(settings_of(tmp_path, COMMAND=command))["command"](raised)


def test_the_alert_of_a_cleared_alarm_repeats_its_message(tmp_path: Path) -> None:
    cleared = message_of(Notification("email", HELD.kind, None, Notified("", HELD.message)), settings_of(tmp_path), NOW)
    assert cleared.event == "cleared"
    assert cleared.text.endswith("It was: 3 BLOCK rows are held back")


def test_no_alert_holds_a_national_identifier(tmp_path: Path) -> None:
    number = "08086001471"
    alarm = Alarm(AlarmKind.POLL_INCOMPLETE, f"the last poll said {number}")
    assert number not in json.dumps(
        message_of(Notification("x", alarm.kind, alarm, None), settings_of(tmp_path), NOW).as_dict()
    )


@pytest.mark.parametrize(
    ("alerts", "names"),
    [
        ({"WEBHOOK_URL": "http://chat.example/token"}, "KONKURS_ALERT_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "nonsense-token"}, "KONKURS_ALERT_WEBHOOK_URL"),
        ({"SMTP": "mail.example"}, "KONKURS_ALERT_SMTP"),
        ({"SMTP": "mail.example:25", "EMAIL_FROM": "a@bank.example"}, "KONKURS_ALERT_EMAIL_TO"),
        ({"EMAIL_TO": "a@bank.example"}, "KONKURS_ALERT_SMTP"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_a_token(
    tmp_path: Path, alerts: dict[str, str], names: str
) -> None:
    with pytest.raises(SettingsError, match=names) as caught:
        settings_of(tmp_path, **alerts)
    assert "token" not in str(caught.value)
