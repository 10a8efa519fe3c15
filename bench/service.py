"""The simulator in a process of its own, so that no time includes it: `python -m bench.service YEARS`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import notices


@contextmanager
def running_service(years: int) -> Iterator[str]:
    """Serve the notices of `years` years over plain http on loopback; yields the base URL."""
    command = [sys.executable, "-m", "bench.service", str(years)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101 -- as asked for
        url = process.stdout.readline().strip()
        if not url:
            message = "the simulator did not start: see what it said above"
            raise RuntimeError(message)
        try:
            yield url
        finally:
            process.communicate()


def main() -> None:
    """Serve until the standard input is closed."""
    from konkurs_pipeline.brreg.simulator.app import build_app  # noqa: PLC0415 -- for the serving process alone
    from konkurs_pipeline.brreg.simulator.server import running_simulator  # noqa: PLC0415 -- as above

    with running_simulator(build_app(notices.served(int(sys.argv[1]))), tls=None) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
