"""A real installation for many banks on loopback: PostgreSQL, code servers, a daemon, a web server.

Everything is in one temporary folder and ends with the program. PostgreSQL must be installed (Debian: postgresql). PostgreSQL
refuses to run as root, so if this program is root it starts PostgreSQL as the user `postgres`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
_BIN: Final = Path(sys.executable).parent
_POSTGRES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_READY_S: Final = 300.0
_SMALL_DISK_MIB: Final = 64
Process = subprocess.Popen[bytes]


def has_postgres() -> bool:
    """Return whether PostgreSQL's programs are installed."""
    return bool(_POSTGRES)


def free_port() -> int:
    """Return a free port of 127.0.0.1 that no outgoing connection can take meanwhile."""
    while True:
        # Below Linux's range for outgoing connections: one of the many starting programs could take the port otherwise.
        port = random.randrange(20_000, 32_000)  # noqa: S311 -- no secret
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)):
                return port


def wait_for_port(port: int, process: Process, log: Path) -> None:
    """Wait until a program listens on the port.

    Raises `RuntimeError` with the end of the log if the process ends, or after five minutes.
    """
    ends = time.monotonic() + _READY_S
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    message = f"nobody listens on port {port}; {log.name} ends: {log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


@dataclass
class BankOfMany:
    """One bank: its settings, its folder and its code server."""

    bank_id: str
    folder: Path
    simulator_port: int
    port: int = field(default_factory=free_port)
    server: Process | None = None
    disk_mib: int | None = None
    """Of a bank whose data lie on a disk of its own that only its code server sees."""

    @property
    def data(self) -> Path:
        """The bank's data folder, as other processes reach it."""
        data = self.folder / "data"
        if self.disk_mib is None or self.server is None:
            return data
        return Path(f"/proc/{self.server.pid}/root") / data.relative_to("/")

    @property
    def environ(self) -> dict[str, str]:
        """The bank's settings and nothing else."""
        tls = self.folder / "tls"
        return {
            "KONKURS_BANK_ID": self.bank_id,
            "KONKURS_MANY_BANKS": "true",
            # As in production; the demo looks every five seconds.
            "KONKURS_LOOK_EVERY_S": "30",
            "KONKURS_DATA_DIR": str(self.folder / "data"),
            "KONKURS_API_URL": f"https://127.0.0.1:{self.simulator_port}",
            "KONKURS_CLIENT_P12": str(tls / "client.p12"),
            "KONKURS_CLIENT_P12_PASSWORD_FILE": str(tls / "client.password"),
            "KONKURS_CA_BUNDLE": str(tls / "ca.pem"),
        }

    @property
    def manifests(self) -> list[str]:
        """The names of the manifests that the bank handed over."""
        return sorted(path.name for path in (self.data / "outbox").glob("*.manifest.json"))


@dataclass
class Installation:
    """The running installation: the banks, and the processes beside them."""

    folder: Path
    banks: list[BankOfMany]
    environ: dict[str, str]
    webserver_port: int
    database: Process
    daemon: Process = field(init=False)
    webserver: Process = field(init=False)
    processes: list[Process] = field(default_factory=list)

    @property
    def code_servers(self) -> list[Process]:
        """The code servers that are up."""
        return [bank.server for bank in self.banks if bank.server is not None and bank.server.poll() is None]

    def start(self, arguments: Sequence[str], name: str, *, within: Sequence[str] = (), **environ: str) -> Process:
        """Start one of the project's programs, inside the command `within`. Its output goes to a file of that name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- the project's own programs
                [*within, str(_BIN / arguments[0]), *arguments[1:]],
                env={**self.environ, **environ},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_code_server(self, bank: BankOfMany) -> None:
        """Start a bank's code server and wait until it answers."""
        arguments = ["dagster", "api", "grpc", "--host", "127.0.0.1", "--port", str(bank.port)]
        arguments += ["--module-name", "konkurs_pipeline.definitions", "--location-name", bank.bank_id]
        within = _on_a_disk_of_its_own(bank.folder / "data", bank.disk_mib) if bank.disk_mib else ()
        bank.server = self.start(arguments, bank.bank_id, within=within, **bank.environ)

    def wait_for_code_servers(self) -> None:
        """Wait until every code server answers."""
        for bank in self.banks:
            if bank.server is not None:
                wait_for_port(bank.port, bank.server, self.folder / f"{bank.bank_id}.log")

    def write_workspace(self) -> None:
        """Write the list of code locations: one a bank."""
        lines = ["load_from:"]
        for bank in self.banks:
            lines += ["  - grpc_server:", "      host: 127.0.0.1", f"      port: {bank.port}"]
            lines += [f"      location_name: {bank.bank_id}"]
        (self.folder / "workspace.yaml").write_text("\n".join(lines) + "\n")

    def memory_mib(self, process: Process) -> int:
        """Return the resident memory of a process."""
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    def cpu_seconds(self, process: Process) -> float:
        """Return the processor time that a process and its ended children took."""
        parts = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[int, Process]]:
    """Run PostgreSQL in `folder`, never as root; yields its port and its process."""
    port, data = free_port(), folder / "postgres"
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    data.mkdir()
    folder.chmod(0o755)
    if as_user:
        shutil.chown(data, **as_user)
    program = _POSTGRES[-1]
    trusted = ["--username=dagster", "--auth=trust", "--no-sync"]
    initdb = [program / "initdb", f"--pgdata={data}", *trusted]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **as_user)  # type: ignore[call-overload]  # noqa: S603
    arguments = [program / "postgres", "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen([*arguments, "-c", "max_connections=400"], stdout=log, stderr=log, cwd="/", **as_user)  # type: ignore[call-overload]  # noqa: S603
    try:
        wait_for_port(port, server, folder / "postgres.log")
        yield port, server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


@contextmanager
def installed(
    bank_ids: Sequence[str],
    *,
    simulators: int = 2,
    small_disk: str | None = None,
    elsewhere: Mapping[str, tuple[int, Path]] | None = None,
) -> Iterator[Installation]:
    """Run an installation for these banks in a temporary folder. The end of the context ends everything.

    `small_disk`: the bank whose data lie on a disk of 64 MiB. `elsewhere`: by bank, port and certificates of a service that
    the caller runs.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="many-banks-")))
        pg_port, database = stack.enter_context(postgres(folder))
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("KONKURS_", "DAGSTER_"))}
        environ |= {
            "DAGSTER_HOME": str(folder / "dagster"),
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(pg_port),
            "DAGSTER_PG_DB": "postgres",
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": "",
            "POLARS_MAX_THREADS": "1",
        }
        (folder / "dagster").mkdir()
        shutil.copy(PROJECT / "deploy" / "many" / "dagster.yaml", folder / "dagster")
        ports = [free_port() for _ in range(simulators)]
        banks = [BankOfMany(bank_id, folder / bank_id, ports[n % simulators]) for n, bank_id in enumerate(bank_ids)]
        for bank in banks:
            bank.disk_mib = _SMALL_DISK_MIB if bank.bank_id == small_disk else None
            if elsewhere and bank.bank_id in elsewhere:
                bank.simulator_port, tls = elsewhere[bank.bank_id]
                shutil.copytree(tls, bank.folder / "tls")
        installation = Installation(folder, banks, environ, free_port(), database)
        stack.callback(_end, installation.processes)
        _start(installation, ports)
        yield installation


def _on_a_disk_of_its_own(data: Path, mib: int) -> list[str]:
    """Return a command that starts a program in a namespace where `data` is a small disk with the same files."""
    kept = data.with_name("data.before")
    mount = 'cp -a "$0" "$1" && mount -t tmpfs -o size="$2"m tmpfs "$0" && cp -a "$1/." "$0" && shift 2 && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(data), str(kept), str(mib)]


def _write_register(bank: BankOfMany) -> None:
    """Write the bank's register: the demo's customers and accounts under references of its own."""
    register = bank.folder / "data" / "register"
    register.mkdir(parents=True, mode=0o700)
    for path in (PROJECT / "data" / "register").glob("*.csv"):
        (register / path.name).write_text(path.read_text().replace("K-", f"{bank.bank_id}-"))


def _start(installation: Installation, simulator_ports: Sequence[int]) -> None:
    # In an empty database Dagster makes its tables: of many programs that begin at once only one can.
    subprocess.run(  # noqa: S603 -- Dagster's own program
        [_BIN / "dagster", "instance", "info"],
        env=installation.environ,
        cwd=installation.folder,
        check=True,
        capture_output=True,
    )
    for number, port in enumerate(simulator_ports):
        tls = installation.folder / f"simulator-{number}"
        arguments = ["konkurs", "simulate", "--port", str(port), "--tls-dir", str(tls), "--seed", "1"]
        simulator = installation.start(arguments, tls.name)
        wait_for_port(port, simulator, installation.folder / f"{tls.name}.log")
        for bank in (each for each in installation.banks if each.simulator_port == port):
            shutil.copytree(tls, bank.folder / "tls")
    for bank in installation.banks:
        _write_register(bank)
        installation.start_code_server(bank)
    installation.write_workspace()
    installation.wait_for_code_servers()
    workspace = str(installation.folder / "workspace.yaml")
    installation.daemon = installation.start(["dagster-daemon", "run", "--workspace", workspace], "daemon")
    arguments = ["--host", "127.0.0.1", "--port", str(installation.webserver_port), "--workspace", workspace]
    installation.webserver = installation.start(["dagster-webserver", *arguments], "webserver")


def _end(processes: Sequence[Process]) -> None:
    for process in reversed(processes):
        if process.poll() is None:
            # End its whole process group, with the runs of a code server.
            os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
