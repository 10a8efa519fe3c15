"""One day of commands as processes. Every input that the pipeline can get holds a canary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.cli.running import run_command
from tests.canary import day
from tests.canary.cast import NAME, damaged_fnr, fnr, orgnr, real_looking_orgnr
from tests.pipeline.kit import MONDAY, oslo, records

KONKURS: Final = Path(sys.executable).with_name("konkurs")
MONDAYS_RUN: Final = ("run", "--from", MONDAY.isoformat(), "--to", MONDAY.isoformat())


@dataclass
class Bank:
    """A bank's folders, and what its commands printed."""

    folder: Path
    url: str
    service: Simulation
    printed: dict[str, bytes] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def receipts(self) -> Path:
        return self.data / "receipts"

    def environ(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of a command; all its folders lie where the test searches."""
        mine = {
            "KONKURS_DATA_DIR": str(self.data),
            "KONKURS_API_URL": self.url,
            "KONKURS_MAX_BLOCKS_PER_RUN": "4",
            "KONKURS_MAX_REGISTER_INVALID": "1",
        }
        places = {"TMPDIR": "tmp", "HOME": "home", "XDG_CACHE_HOME": "cache"}
        paths = {name: str(self.folder / place) for name, place in places.items()}
        inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {**inherited, **paths, **mine, **changes}

    def run(self, name: str, *arguments: str, **changes: str) -> None:
        """Run a command as a process of its own and keep its output."""
        ran = subprocess.run(  # noqa: S603 -- our own console script
            [KONKURS, *arguments],
            env=self.environ(changes),
            cwd=self.folder / "cwd",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        self._keep(name, ran.returncode, ran.stdout, ran.stderr)

    def run_here(self, name: str, *arguments: str, **changes: str) -> None:
        """Run a command in this process: a process of its own costs half a second more."""
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            for variable in [variable for variable in os.environ if variable.startswith("KONKURS_")]:
                patched.delenv(variable)
            # DAGSTER_HOME is patched too, so that the context undoes what a command sets.
            for variable, value in {**self.environ(changes), "DAGSTER_HOME": ""}.items():
                patched.setenv(variable, value)
            patched.chdir(self.folder / "cwd")
            code = run_command(arguments)
        self._keep(name, code, out.getvalue().encode(), err.getvalue().encode())

    def _keep(self, name: str, code: int, out: bytes, err: bytes) -> None:
        self.printed[f"stdout of {name}"], self.printed[f"stderr of {name}"] = out, err
        self.codes[name] = code


def list_fault(**fault: object) -> Fault:
    return Fault.model_validate({"resource": "list", **fault})


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Return the bank at the end of its day."""
    folder = tmp_path_factory.mktemp("canary")
    for name in ("tmp", "home", "cache", "cwd"):
        (folder / name).mkdir()
    app = build_app(day.documents(), now=SteppedClock(oslo(MONDAY, "23:59")))
    with running_simulator(app, tls=None) as url:
        made = Bank(folder, url, app.state.simulation)
        day.write_register(made.data / "register")
        for part in (a_poll_of_everything, a_poll_that_fails, enquiries, wrong_arguments):
            part(made)
        yield made


def a_poll_of_everything(bank: Bank) -> None:
    """Poll a list with canaries in every field; some of the datasets cannot be had."""
    bank.service.faults.replace([list_fault(kind="json_value", body=day.list_body()), *day.dataset_faults()])
    bank.run("a poll of everything", *MONDAYS_RUN)


def a_poll_that_fails(bank: Bank) -> None:
    """Give receipts and a damaged register; the service fails with a canary in its error text."""
    shown = min((bank.data / "outbox").glob("*.jsonl"))
    header, *rows, _ = records(shown)
    manifest = json.loads(shown.with_suffix(".manifest.json").read_bytes())
    good = {
        "schema": "konkurs-receipt/1",
        "file_id": header["file_id"],
        "sha256": manifest["files"][0]["sha256"],
        "status": "RECEIVED",
        "rows": rows,
    }
    day.write_receipts(bank.receipts, good, shown.stem)
    (bank.data / "register" / "customers.csv").write_bytes(day.damaged_registers()["no header"])
    body = json.dumps({"error": fnr("the body of a 503"), "debitor": NAME})
    headers = {
        "X-Error": fnr("a header of a 503"),
        "Retry-After": real_looking_orgnr("how long to wait"),
        "Set-Cookie": NAME,
    }
    bank.service.faults.replace([list_fault(kind="status", status=503, body=body, headers=headers)])
    bank.run("a poll that fails", *MONDAYS_RUN)


def enquiries(bank: Bank) -> None:
    """Run every command that asks, against a service that answers oddly, refuses us, or has moved."""
    bank.service.faults.replace([list_fault(kind="json_value", body=day.list_body())])
    bank.run("contract", "contract")
    bank.run_here("contract as JSON", "contract", "--json")
    for n, (damage, content) in enumerate(day.damaged_registers().items()):
        path = bank.data / "register" / f"damaged-{n}.csv"
        path.write_bytes(content)
        changes = {"KONKURS_CUSTOMERS": str(path), "KONKURS_MAX_REGISTER_INVALID": "0.01"}
        bank.run_here(f"doctor, register with {damage}", "doctor", **changes)
    keys = {fnr("a key at the top of a list"): NAME}
    bank.service.faults.replace([list_fault(kind="json_value", body=day.list_body(keys))])
    bank.run("doctor", "doctor", "--json")
    body = f"<html>{fnr('the body of a 401')} {NAME}</html>"
    bank.service.faults.replace([list_fault(kind="status", status=401, body=body)])
    bank.run_here("contract, refused", "contract")
    place = f"http://x@{fnr('the host of a redirect')}.example/{fnr('the place of a redirect')}"
    bank.service.faults.replace([list_fault(kind="redirect", url=place)])
    bank.run_here("contract, moved", "contract")
    for arguments in (("status",), ("held",), ("verify",)):
        bank.run(arguments[0], *arguments)
        bank.run_here(f"{arguments[0]} as JSON", *arguments, "--json")


WRONG_PLACE: Final = "a number given in the wrong place"
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "lookup as JSON": ("lookup", day.DEBTOR, "--json"),
    "lookup of a damaged number": ("lookup", damaged_fnr("the debtor of a notice, failing its check")),
    "lookup as of a number": ("lookup", day.FORMER, "--as-of", fnr(WRONG_PLACE)),
    "lookup of a type": ("lookup", orgnr("a customer whose notice has a number for its type")),
    "lookup of a type that is a name": ("lookup", orgnr("a customer whose notice has a name for its type")),
    "lookup of two": ("lookup", day.DEBTOR, fnr(WRONG_PLACE)),
    "no command": (fnr(WRONG_PLACE),),
    "no option": ("lookup", f"--{fnr(WRONG_PLACE)}"),
    "no day": ("run", "--from", fnr(WRONG_PLACE)),
    "release by a number": ("release", "RUN_ID", "--by", fnr("who released"), "--reason", "checked"),
    "release for a number": ("release", "RUN_ID", "--by", "Kari", "--reason", f"er {fnr('why it was released')}"),
    "release of another run": ("release", fnr(WRONG_PLACE), "--by", "Kari", "--reason", "checked"),
}
SETTINGS: Final[dict[str, dict[str, str]]] = {
    "a bank of a number": {"KONKURS_BANK_ID": fnr("the bank's id")},
    "a setting that is no number": {"KONKURS_LOOKBACK_WORKDAYS": f"x{fnr('a setting')}"},
    "a setting that is not known": {f"KONKURS_{fnr('the name of a setting')}": "1"},
    "an address": {"KONKURS_API_URL": f"http://{fnr('an address')}.example/{fnr('an address')}"},
    "a map": {"KONKURS_DATASET_MAP": "map.toml"},
}


def wrong_arguments(bank: Bank) -> None:
    """Look canaries up, and pass them as wrong arguments."""
    run_id = json.loads(bank.printed["stdout of held as JSON"])[0]["run_id"]
    bank.run("lookup", "lookup", day.DEBTOR)
    for name, arguments in COMMANDS.items():
        bank.run_here(name, *(run_id if argument == "RUN_ID" else argument for argument in arguments))
    (bank.folder / "cwd" / "map.toml").write_text(f'[paths]\n"{fnr("the map")}" = ["{NAME}"]\n', encoding="utf-8")
    for name, changes in SETTINGS.items():
        bank.run_here(name, "doctor", **changes)
    bank.run_here("held at last", "held")
