"""`make dev`: the simulator, the code server, Dagster's daemon and its UI, and a line for each poll, until Ctrl-C.

Each program writes its log under <data>/dev. If this process is killed, its programs end too.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

_BIN: Final = Path(sys.executable).parent
_SIMULATOR_PORT: Final = 8443
_PR_SET_PDEATHSIG: Final = 1
_GRACE_S: Final = 30


def main() -> int:
    """Run everything; returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    for port in (_SIMULATOR_PORT, given.port):
        if not _is_free(port):
            _say(f"port {port} is in use: end the program that has it, or choose another UI port: make dev PORT=3001")
            return 1
    data: Path = given.data.absolute()
    home, logs = data / "dagster", data / "dev"
    for folder in (data, home, logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy("dagster.yaml", home)
    os.environ |= {"DAGSTER_HOME": str(home), "KONKURS_DATA_DIR": str(data)}
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    children: dict[str, subprocess.Popen[bytes]] = {}
    # A path of a socket is at most 107 bytes long.
    with tempfile.TemporaryDirectory() as folder:
        try:
            _start_all(children, logs, home, f"{folder}/code.sock", given.port)
            return _watch(children, logs, Published(layout_of(load_settings())))
        except KeyboardInterrupt:
            _say("ending")
            return 0
        finally:
            _end(children)


def _start_all(
    children: dict[str, subprocess.Popen[bytes]], logs: Path, home: Path, code_socket: str, port: int
) -> None:
    workspace = home / "workspace.yaml"
    workspace.write_text(f"load_from: [{{grpc_server: {{socket: '{code_socket}', location_name: konkurs}}}}]\n")
    module = ("--module-name", "konkurs_pipeline.definitions", "--location-name", "konkurs")
    customers = load_settings().customers
    # Every few minutes a notice concerns a customer of the bank.
    live = ("--customers", str(customers)) if customers.is_file() else ()
    commands = {
        "simulator": ("konkurs", "simulate", "--seed", "1", *live),
        "code": ("dagster", "api", "grpc", "--socket", code_socket, *module),
        "daemon": ("dagster-daemon", "run", "--workspace", str(workspace)),
        "ui": ("konkurs-webserver", "--host", "127.0.0.1", "--port", str(port), "--workspace", str(workspace)),
    }
    subprocess.run([sys.executable, "-m", "konkurs_pipeline.orchestration.future_ticks"], check=False)
    for name, command in commands.items():
        if name == "daemon":
            _wait_for(Path(code_socket), children["code"])
        with (logs / f"{name}.log").open("wb") as log:
            children[name] = subprocess.Popen(  # noqa: S603 -- our own programs
                [str(_BIN / command[0]), *command[1:]],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 -- one thread
            )
    _say(f"Dagster's UI: http://127.0.0.1:{port}; a poll comes every minute; logs: {logs}; Ctrl-C ends all")


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_for(path: Path, child: subprocess.Popen[bytes]) -> None:
    while not path.exists() and child.poll() is None:
        time.sleep(0.2)


def _watch(children: dict[str, subprocess.Popen[bytes]], logs: Path, published: Published) -> int:
    """Print each poll that ends; returns 1 when a program ended by itself."""
    printed = set(_ended(published))
    while True:
        time.sleep(1)
        for name, child in children.items():
            if child.poll() is not None:
                _say(f"{name} ended by itself (exit code {child.returncode}): see {logs / f'{name}.log'}")
                return 1
        for run_id, line in _ended(published).items():
            if run_id not in printed:
                printed.add(run_id)
                _say(line)


def _ended(published: Published) -> dict[str, str]:
    """Return a line for each poll that ended."""
    rows = pl.DataFrame()
    with suppress(StoreError):
        rows = published.read("polls").filter(pl.col("outcome").is_not_null()).sort("ended_at")
    return {
        row["run_id"]: f"{row['ended_at'].astimezone():%H:%M:%S} poll: {row['outcome']}, "
        f"{row['notices_seen'] or 0} notices, {row['notices_new'] or 0} new"
        + (f" ({row['detail']})" if row["outcome"] in {"failed", "partial"} else "")
        for row in rows.iter_rows(named=True)
    }


def _end(children: dict[str, subprocess.Popen[bytes]]) -> None:
    # A second Ctrl-C changes nothing.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in reversed(children.values()):
        child.terminate()
    for child in children.values():
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
