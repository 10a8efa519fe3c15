"""`konkurs doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.terminal import answer, answer_json
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import ExitCode, KonkursError
from konkurs_pipeline.onboarding.doctor import Diagnosis, Level, diagnose
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings, load_settings


def command(*, as_json: AsJson = False) -> ExitCode:
    """Check settings, certificate, service, calendar, register files and folders; say what to do about each."""
    found = []
    settings = load_settings()
    for one in chain(diagnose(settings, utc_now()), _dagster(settings)):
        found.append(one)
        if not as_json:
            answer(f"{one.level.value:<8} {one.what:<12} {redact(one.message)}")
    if as_json:
        answer_json(
            [
                {name: redact(text) if isinstance(text, str) else text for name, text in asdict(one).items()}
                for one in found
            ]
        )
    return ExitCode.FAILED if any(one.level is Level.PROBLEM for one in found) else ExitCode.DONE


def _dagster(settings: Settings) -> Iterator[Diagnosis]:
    """Look at Dagster's history where there is one, and mend what a clock that was ahead left there."""
    # Imported here: importing Dagster takes long, and `doctor` is mostly run before the first poll.
    from konkurs_pipeline.orchestration.future_ticks import mend_future_ticks  # noqa: PLC0415
    from konkurs_pipeline.orchestration.instance import dagster_home, dagster_instance  # noqa: PLC0415

    if not dagster_home(settings).is_dir():
        return
    try:
        with dagster_instance(settings) as instance:
            mended = mend_future_ticks(instance, utc_now())
    except KonkursError as error:
        yield Diagnosis("dagster", Level.PROBLEM, str(error))
        return
    if mended:
        message = f"a clock was ahead: {', '.join(mended)} go on from now. Restart dagster-daemon if it ran meanwhile"
        yield Diagnosis("dagster", Level.WARNING, message)
    else:
        yield Diagnosis("dagster", Level.OK, "its history can be used, and no tick lies in the future")
