"""`konkurs doctor`."""

from __future__ import annotations

from dataclasses import asdict

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.terminal import answer, answer_json
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.onboarding.doctor import Level, diagnose
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import load_settings


def command(*, as_json: AsJson = False) -> ExitCode:
    """Check settings, certificate, service, calendar, register files and folders; say what to do about each."""
    found = []
    for one in diagnose(load_settings(), utc_now()):
        found.append(one)
        if not as_json:
            answer(f"{one.level.value:<8} {one.what:<12} {redact(one.said)}")
    if as_json:
        answer_json(
            [
                {name: redact(text) if isinstance(text, str) else text for name, text in asdict(one).items()}
                for one in found
            ]
        )
    return ExitCode.FAILED if any(one.level is Level.PROBLEM for one in found) else ExitCode.DONE
