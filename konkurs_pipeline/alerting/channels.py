"""The ways out of the machine, each set by KONKURS_ALERT_… and none by default.

A channel either took the message or raises `AlertError`; then it is tried again. No text names a webhook's URL: it may
hold a token.
"""

from __future__ import annotations

import json
import os
import shlex
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Final

import httpx

from konkurs_pipeline.alerting.message import Message
from konkurs_pipeline.errors import AlertError
from konkurs_pipeline.settings import PREFIX, Settings

Channel = Callable[[Message], None]
_TIMEOUT_S: Final = 15.0


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
        answer = httpx.post(url, json=message.as_dict(), timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        said = f"the alert webhook (KONKURS_ALERT_WEBHOOK_URL) cannot be reached: {type(error).__name__}"
        raise AlertError(said) from None
    if not answer.is_success:
        said = f"the alert webhook (KONKURS_ALERT_WEBHOOK_URL) answered {answer.status_code}"
        raise AlertError(said)


def _mail(settings: Settings, message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.title, settings.alert_email_from, settings.alert_email_to
    mail.set_content(message.text)
    host, port = settings.alert_smtp.rsplit(":", 1)
    try:
        with smtplib.SMTP(host, int(port), timeout=_TIMEOUT_S) as server:
            if server.ehlo()[0] and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        said = f"the e-mail server {settings.alert_smtp} (KONKURS_ALERT_SMTP) did not take the alert: {type(error).__name__}"
        raise AlertError(said) from None


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
            capture_output=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        code = f" with exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else ""
        said = f"the alert command (KONKURS_ALERT_COMMAND) failed{code}: {type(error).__name__}"
        raise AlertError(said) from None
