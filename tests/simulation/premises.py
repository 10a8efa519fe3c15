"""The bank's folder in a simulation: its settings and register files, and the checks at the end."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of, open_store
from tests.pipeline.kit import ACCOUNT_COLUMNS, CUSTOMER_COLUMNS, csv_bytes
from tests.simulation.figures import Figures
from tests.simulation.oracle import Account, Customer
from tests.simulation.service import URL, for_oracle
from tests.simulation.world import World

LIMIT: Final = 8
LOOKBACK: Final = 5
Register = tuple[Sequence[Customer], Sequence[Account]]
_NUMBERS: Final = re.compile(r"(?<![0-9])[0-9]{9,11}(?![0-9])")
# The bodies of the service's errors hold it.
CANARY: Final = "08086001471"
_DAMAGES: Final = ("empty", "header only", "half", "swapped columns", "a column lost")
_BLOCKED: Final = {True: "true", False: "false", None: ""}


class Premises:
    """One bank's folder. `messages`: the texts of failures, to be searched for identifiers."""

    def __init__(self, folder: Path, first: dt.date, kept_days: int | None = None) -> None:
        environ = {
            "KONKURS_DATA_DIR": str(folder / "data"),
            "KONKURS_API_URL": URL,
            "KONKURS_FIRST_WORKDAY": first.isoformat(),
            "KONKURS_LOOKBACK_WORKDAYS": str(LOOKBACK),
            "KONKURS_MAX_BLOCKS_PER_RUN": str(LIMIT),
            "KONKURS_MAX_REGISTER_INVALID": "0.3",
            "KONKURS_RETENTION_OTHERS_DAYS": str(kept_days or 90),
        }
        self.settings = load_settings(environ, dotenv=folder / "none")
        self.layout = layout_of(self.settings)
        self.messages: list[str] = []

    # The register

    def write_register(self, world: World) -> Register:
        """Write the bank's register files; returns their content for the oracle."""
        customers, accounts = tuple(world.customers), tuple(world.accounts)
        self._put(self.settings.customers, csv_bytes(CUSTOMER_COLUMNS, (_customer_row(c) for c in customers)))
        self._put(
            self.settings.accounts, csv_bytes((*ACCOUNT_COLUMNS, "opened_at"), (_account_row(a) for a in accounts))
        )
        return customers, accounts

    def damage_register(self, chance: random.Random) -> str:
        """Put a customers file in place that must be refused; returns its damage."""
        # The damage of the last poll may have removed the file.
        lines = self.settings.customers.read_bytes().splitlines(keepends=True) or [b"\n"]
        kind = chance.choice(_DAMAGES)
        if kind == "empty":
            lines = []
        elif kind == "header only":
            lines = lines[:1]
        elif kind == "half":
            lines = lines[: len(lines) // 2]
        elif kind == "swapped columns":
            lines = [lines[0], *(b",".join((c[1], c[0], *c[2:])) for c in (line.split(b",") for line in lines[1:]))]
        else:
            lines = [b",".join(line.split(b",")[1:]) for line in lines]
        self._put(self.settings.customers, b"".join(lines))
        return kind

    @staticmethod
    def _put(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != content:
            path.with_suffix(".new").write_bytes(content)
            path.with_suffix(".new").replace(path)

    # The checks at the end

    def search_for_leaks(self, world: World, figures: Figures) -> None:
        """Search for national identifiers in the outbox, in the details of polls, and in the texts of failures."""
        known = {CANARY, *(entry.notice.debtor_id for entry in world.entries)}
        known |= {number for customer in world.customers for number in (customer.number, *customer.former)}
        known -= {account.number for account in world.accounts}
        details = Published(self.layout).read("polls")["detail"].drop_nulls().to_list()
        texts = {"polls.detail": details, "an error": self.messages}
        texts |= {path.name: [path.name, path.read_text()] for path in self.settings.outbox_dir.iterdir()}
        for where, found_texts in texts.items():
            found = {number for text in found_texts for number in _NUMBERS.findall(text)} & known
            figures.leaked += [f"an identifier stands in {where}"] if found else []

    def verify_kept(self, notices: Iterable[str], world: World, figures: Figures) -> None:
        """Verify that every shown notice is stored whole, that odd ones are set aside, and that the store verifies."""
        published = Published(self.layout)
        stored = {row["uuid"]: row for row in published.read("raw_notices").iter_rows(named=True)}
        set_aside = set(published.read("quarantine")["uuid"].drop_nulls())
        for entry in (entry for entry in world.entries if entry.notice.uuid in set(notices)):
            shown, row = for_oracle(entry, entry.notice), stored.get(entry.notice.uuid)
            if row is None or (row["type"], row["registered_at_text"], row["debtor_id"]) != (
                shown.type,
                shown.at,
                shown.debtor,
            ):
                figures.lost.append(f"notice {shown.uuid} was shown and is not stored unchanged")
            if (shown.flawed or shown.invalid) and shown.uuid not in set_aside:
                figures.lost.append(f"notice {shown.uuid} is {entry.oddity} and was not set aside")
        with open_store(self.settings) as store:
            figures.wrong += [problem for part in inspect(store) for problem in part.problems]
        if published.read("actions").filter(pl.col("status") != "held")["action_id"].is_duplicated().any():
            figures.doubled.append("an action stands twice in the ledger")


def _customer_row(customer: Customer) -> tuple[str, str, str, str]:
    return customer.ref, customer.number, " ".join(customer.former), f"Navn {customer.ref}"


def _account_row(account: Account) -> tuple[str, str, str, str, str]:
    return account.number, account.customer, account.relation, _BLOCKED[account.blocked], account.opened
