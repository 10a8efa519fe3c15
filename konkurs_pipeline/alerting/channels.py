"""The channels that alerts go by. Each is set by KONKURS_ALERT_…; none is set by default.

A channel that does not take a message raises `AlertError`, and the next round tries again. No text names a webhook's URL:
it may hold a token.
"""

from __future__ import annotations

import json
import os
import shlex
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, Final

import httpx

from konkurs_pipeline.alerting.message import Message
from konkurs_pipeline.brreg.transport import open_http_client, total_deadline
from konkurs_pipeline.errors import AlertError
from konkurs_pipeline.settings import PREFIX, Settings

Channel = Callable[[Message], None]
# Total seconds one message may take.
_TIMEOUT_S: Final = 10.0


def channels_of(settings: Settings) -> Mapping[str, Channel]:
    """Return the channels that are set, by name: webhook, email, command."""
    channels: dict[str, Channel] = {}
    if settings.alert_webhook_url is not None:
        url = settings.alert_webhook_url.get_secret_value()
        channels["webhook"] = lambda message: _post(url, message)
    if settings.alert_smtp:
        channels["email"] = lambda message: _mail(settings, message)
    if settings.alert_command:
        channels["command"] = lambda message: _run(settings.alert_command, message)
    return channels


def _post(url: str, message: Message) -> None:
    try:
        with (
            total_deadline(_TIMEOUT_S),
            open_http_client(ssl.create_default_context(), _TIMEOUT_S) as http,
            http.stream("POST", url, json=message.as_dict()) as answer,
        ):
            is_taken, status = answer.is_success, answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        failed = f"the alert webhook (KONKURS_ALERT_WEBHOOK_URL) cannot be reached: {type(error).__name__}"
        raise AlertError(failed) from None
    if not is_taken:
        failed = f"the alert webhook (KONKURS_ALERT_WEBHOOK_URL) answered {status}"
        raise AlertError(failed)


def _mail(settings: Settings, message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.title, settings.alert_email_from, settings.alert_email_to
    mail.set_content(message.text)
    host, port = settings.alert_smtp.rsplit(":", 1)
    try:
        with _PunctualSmtp(host, int(port), timeout=_TIMEOUT_S) as server:
            if server.ehlo()[0] and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        server_name = f"the e-mail server {settings.alert_smtp} (KONKURS_ALERT_SMTP)"
        failed = f"{server_name} did not take the alert: {type(error).__name__}"
        raise AlertError(failed) from None


class _PunctualSmtp(smtplib.SMTP):
    """A connection to a mail server that ends after a total time: smtplib limits each read, not their sum."""

    _timer: threading.Timer | None = None

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:  # noqa: ANN401  # smtplib's own
        self._timer = threading.Timer(_TIMEOUT_S, self._hang_up)
        self._timer.daemon = True
        self._timer.start()
        return super().connect(host, port, source_address)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _hang_up(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _run(command: str, message: Message) -> None:
    # The command is the bank's own program: it gets the message, and none of our settings or passwords.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    try:
        subprocess.run(  # noqa: S603 -- what the bank configured, without a shell
            shlex.split(command),
            input=json.dumps(message.as_dict()).encode(),
            env=environ,
            timeout=_TIMEOUT_S,
            check=True,
            # Not captured: a child that the command leaves behind would keep the pipe open, and we would wait for it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        code = f" with exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else ""
        failed = f"the alert command (KONKURS_ALERT_COMMAND) failed{code}: {type(error).__name__}"
        raise AlertError(failed) from None
