"""`konkurs evidence`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson, refuse_place
from konkurs_pipeline.cli.printing.terminal import answer_document, plain, say
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.evidence.clock import clock_of
from konkurs_pipeline.enquiries.evidence.facts import Case
from konkurs_pipeline.enquiries.evidence.gathering import evidence_of
from konkurs_pipeline.enquiries.evidence.page import page_of
from konkurs_pipeline.enquiries.ids import action_ids, erased_uuids, notice_uuids, whole_id
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of_store

CaseName = Annotated[str, typer.Argument(metavar="NOTICE|ACTION_ID", help="A notice's uuid or an action's id.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page here, not to stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")]


def command(asked_for: CaseName, out: Out = None, *, force: Force = False, as_json: AsJson = False) -> None:
    """Make one page (HTML) that shows when the bank knew of a case, and what it did: times, files and their hashes."""
    refuse_place(out)
    if out is not None and out.exists() and not force:
        message = f"--out: {out} exists, and evidence is not overwritten unasked: choose another name, or add --force"
        raise UsageError(message)
    settings = load_settings()
    layout = layout_of_store(settings)
    named = whole_id(asked_for, [*notice_uuids(layout), *erased_uuids(layout), *action_ids(layout)])
    case = evidence_of(settings, named, utc_now())
    content = _json(case) if as_json else page_of(case)
    if out is None:
        answer_document(content)
        return
    write_bytes_atomically(out, content.encode())
    say(f"written: {out}")


def _json(case: Case) -> str:
    clocks = {notice.uuid: [asdict(step) for step in clock_of(case, notice)] for notice in case.notices}
    return json.dumps({**asdict(case), "clocks": clocks}, indent=2, default=plain) + "\n"
