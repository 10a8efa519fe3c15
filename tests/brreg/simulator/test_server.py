from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.faults import Fault, FaultKind
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.brreg.simulator.pki import SimulatorCertificates
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.errors import UsageError

Trust = Callable[[SimulatorCertificates], ssl.SSLContext]

IN_THE_FOREGROUND = """
import sys
from pathlib import Path
from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.server import serve
serve(build_app([]), 0, Path(sys.argv[1]), announce=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


def test_plain_http_is_served_where_no_certificates_are_given() -> None:
    with running_simulator(build_app([]), tls=None) as url:
        assert httpx.get(url, trust_env=False).status_code == 200

    assert url.startswith("http://127.0.0.1:")


def test_the_server_starts_and_stops_at_once(certificates: SimulatorCertificates) -> None:
    started = time.monotonic()
    with running_simulator(build_app([]), tls=certificates):
        assert time.monotonic() - started < 0.3
        stopping = time.monotonic()

    assert time.monotonic() - stopping < 1


def test_the_server_stops_although_a_client_keeps_its_connection_open(
    certificates: SimulatorCertificates, trust: Trust
) -> None:
    with httpx.Client(verify=trust(certificates), trust_env=False) as client:
        with running_simulator(build_app([]), tls=certificates) as url:
            client.get(url)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 1


def test_the_server_stops_in_the_middle_of_a_slow_answer(capfd: pytest.CaptureFixture[str]) -> None:
    app = build_app(load_test_notices(), faults=[Fault(kind=FaultKind.SLOW, delay_s=60)])
    failures: list[httpx.TransportError] = []

    def read(url: str) -> None:
        try:
            httpx.get(url, trust_env=False, timeout=10)
        except httpx.TransportError as error:
            failures.append(error)

    with running_simulator(app, tls=None) as url:
        reader = threading.Thread(target=read, args=[url])
        reader.start()
        while not app.state.simulation.requests:
            time.sleep(0.01)
        stopping = time.monotonic()
    reader.join()

    assert time.monotonic() - stopping < 2
    assert len(failures) == 1
    assert capfd.readouterr() == ("", "")


def test_a_stopped_server_leaves_nothing_behind() -> None:
    before = threading.active_count()
    with running_simulator(build_app([]), tls=None) as url:
        port = urlsplit(url).port or 0

    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_the_server_stops_when_its_test_fails() -> None:
    before = threading.active_count()
    failing = RuntimeError("the test's own")
    with pytest.raises(RuntimeError, match="own"), running_simulator(build_app([]), tls=None):
        raise failing

    assert threading.active_count() == before


def test_the_server_listens_on_loopback_only() -> None:
    with running_simulator(build_app([]), tls=None) as url:
        port = urlsplit(url).port or 0
        # Another loopback address stands for every other address of the machine.
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port)):
            pass


def test_a_taken_port_is_reported_in_one_line() -> None:
    with running_simulator(build_app([]), tls=None) as url:
        port = urlsplit(url).port or 0
        with (
            pytest.raises(UsageError, match=f"port {port} .*another port"),
            running_simulator(build_app([]), tls=None, port=port),
        ):
            pass


def test_an_invalid_port_is_reported_in_one_line() -> None:
    with pytest.raises(UsageError, match="70000"), running_simulator(build_app([]), tls=None, port=70_000):
        pass


def test_answers_are_not_held_back_by_the_network_stack(certificates: SimulatorCertificates, trust: Trust) -> None:
    # With Nagle's algorithm on, every answer after the first waits 40 ms for an acknowledgement.
    with (
        running_simulator(build_app(load_test_notices()), tls=certificates) as url,
        httpx.Client(base_url=url, verify=trust(certificates), trust_env=False) as client,
    ):
        client.get("/")
        started = time.monotonic()
        for _ in range(20):
            client.get("/konkursvarsler")

    assert time.monotonic() - started < 0.7


def test_noise_on_the_port_is_neither_answered_nor_logged(
    certificates: SimulatorCertificates, trust: Trust, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_simulator(build_app([]), tls=certificates) as url:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"200" not in stranger.recv(1000)
        with httpx.Client(verify=trust(certificates), trust_env=False) as client:
            assert client.get(url).status_code == 200

    assert capfd.readouterr() == ("", "")


def test_in_the_foreground_the_server_announces_itself_and_an_interrupt_ends_it_quietly(
    tmp_path: Path, trust: Trust
) -> None:
    command = [sys.executable, "-W", "error", "-c", IN_THE_FOREGROUND, str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client(verify=trust(SimulatorCertificates(tmp_path)), trust_env=False) as client:
            assert client.get(url).status_code == 200
        process.send_signal(2)
        output, problems = process.communicate(timeout=20)

    assert (output, problems, process.returncode) == ("ended\n", "", 0)
