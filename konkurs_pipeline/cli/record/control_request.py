"""`konkurs control-request`."""

from __future__ import annotations

from konkurs_pipeline.cli.options import AsJson, standard_input
from konkurs_pipeline.cli.printing.terminal import answer, answer_json
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.contracts.control_request import parse_control_request
from konkurs_pipeline.enquiries.party.control_request import answer_request, row_of
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.control_requests import record_request
from konkurs_pipeline.storage.store import layout_of_store

_LARGEST = 64 * 1024


def command(*, as_json: AsJson = False) -> None:
    """Answer one request of a trustee for account information: reads it as JSON on standard input, and records it.

    Exit code 0 means that the answer was given and recorded, be it allow or reject.
    """
    request = parse_control_request(_typed())
    settings, now = load_settings(), utc_now()
    layout = layout_of_store(settings)
    found = answer_request(settings, layout, request, now)
    record_request(layout, row_of(request, found, now))
    if as_json:
        answer_json(found.model_dump())
        return
    answer(f"{found.decision}, recorded as {found.request_id}")
    for reason in found.reasons:
        answer(f"  {reason}")


def _typed() -> bytes:
    body = standard_input(_LARGEST + 1)
    if not body.strip() or len(body) > _LARGEST:
        message = (
            "a request is read as JSON from standard input: one object of less than 64 KiB (docs/case-officers.md)"
        )
        raise UsageError(message)
    return body
