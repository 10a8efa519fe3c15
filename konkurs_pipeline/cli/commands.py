"""The commands: the name of each, its line in `konkurs --help`, and the module that has its function `command`.

A module is imported when its command runs: `konkurs status` must not wait for dagster.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final


@dataclass(frozen=True)
class Command:
    """One command. `module`: below `konkurs_pipeline.cli`."""

    name: str
    summary: str
    module: str

    def load(self) -> Callable[..., Any]:
        """Import the command's module and return its function, which returns the exit code or null for 0."""
        # Imported modules stay in memory: collecting garbage meanwhile would take a sixth of the start.
        gc.disable()
        try:
            function: Callable[..., Any] = import_module(f"konkurs_pipeline.cli.{self.module}").command
        finally:
            gc.freeze()
            gc.enable()
        return function


COMMANDS: Final = (
    Command("demo", "Show the whole chain on Brreg's 15 test notices", "poll.demo"),
    Command("run", "Poll once, or over a range of workdays (backfill)", "poll.run"),
    Command("plan", "Show what a run would write, and write nothing", "poll.plan"),
    Command("status", "Show how things stand, and what needs a person", "show.status"),
    Command("gaps", "List the opening hours that no poll covered", "show.gaps"),
    Command("lookup", "Tell whether a party is bankrupt, and since when", "show.lookup"),
    Command("ask", "Run one of the ready questions on the store", "show.ask"),
    Command("actions", "List the actions and what became of them", "show.actions"),
    Command("quarantine", "List what could not be understood", "show.quarantine"),
    Command("receipts", "List core banking's receipts", "show.receipts"),
    Command("held", "List the BLOCK rows that wait for release", "show.held"),
    Command("release", "Release the rows that a run held back", "record.release"),
    Command("reviews", "List the REVIEW rows that wait for a person", "show.reviews"),
    Command("review", "Record what a person did about a REVIEW", "record.review"),
    Command("control-request", "Answer a trustee's request, and record it", "record.control_request"),
    Command("evidence", "Make the page that shows when the bank knew", "write.evidence"),
    Command("report", "Make the page of figures for manager and auditor", "write.report"),
    Command("metrics", "Write the figures as Prometheus text", "write.metrics"),
    Command("doctor", "Check certificate, service, register and folders", "check.doctor"),
    Command("contract", "Compare the service's answers with what is assumed", "check.contract"),
    Command("compare", "Compare with Enhetsregisteret, the second source", "check.compare"),
    Command("verify", "Check everything that was ever written", "check.verify"),
    Command("recover", "Put right what a run stops on", "record.recover"),
    Command("erase", "Erase personal data whose time has ended", "record.erase"),
    Command("publish", "Write a copy for analysts, also pseudonymised", "write.publish"),
    Command("schemas", "Write the JSON Schemas of what other systems read or write", "write.schemas"),
    Command("receive", "Stand in for core banking: check the outbox, write receipts", "stand_in.receive"),
    Command("simulate", "Serve Konkursvarsel on this machine", "stand_in.simulate"),
)
