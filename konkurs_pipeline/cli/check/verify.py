"""`konkurs verify`."""

from __future__ import annotations

from dataclasses import asdict

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say_problem
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store, open_store


def command(*, as_json: AsJson = False) -> ExitCode:
    """Check again everything that was written: hashes, the chain of files, the sequence, the ledger against the files."""
    settings = load_settings()
    layout_of_store(settings)
    with open_store(settings, allow_untrusted=True) as store:
        inspections = list(inspect(store))
    if as_json:
        answer_json([asdict(one) for one in inspections])
    for one in inspections:
        if not as_json:
            answer(f"{one.part:<10} {one.looked_at:>7} looked at, {len(one.problems)} wrong")
            if one.erased:
                answer(f"           {one.erased}")
        for problem in one.problems:
            say_problem(f"{one.part}: {problem}")
    return ExitCode.FAILED if any(one.problems for one in inspections) else ExitCode.DONE
