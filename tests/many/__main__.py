"""An installation for many banks to watch and measure: python -m tests.many --banks 20 [--minutes 10]."""

from __future__ import annotations

import argparse
import sys
import time

from tests.many.installation import Installation, has_postgres, installed
from tests.many.request_to_file import in_words, seconds_by_bank


def main() -> None:
    """Run until Ctrl-C. Print each minute what the banks have handed over and what they use."""
    parser = argparse.ArgumentParser(prog="python -m tests.many", description="Many banks on this machine")
    parser.add_argument("--banks", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=None, help="end after so many minutes")
    options = parser.parse_args()
    if not has_postgres():
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    with installed([f"BANK{number:02}" for number in range(1, options.banks + 1)]) as running:
        sys.stdout.write(f"Dagster's UI: http://127.0.0.1:{running.webserver_port}; logs in {running.folder}\n")
        minute, used = 0, _processor_s(running)
        while options.minutes is None or minute < options.minutes:
            sys.stdout.flush()
            time.sleep(60)
            minute += 1
            before, used = used, _processor_s(running)
            shares = ", ".join(f"{name} {(used[name] - before[name]) / 60:.0%}" for name in used)
            sys.stdout.write(f"{_report(running, minute)}; shares of a core: {shares}\n")
        sys.stdout.write(f"{in_words(seconds_by_bank(running))}\n")


def _report(running: Installation, minute: int) -> str:
    files = [len(bank.manifests) for bank in running.banks]
    memory = [running.memory_mib(server) for server in running.code_servers]
    return (
        f"minute {minute}: {sum(map(bool, files))} of {len(files)} banks have files, {min(files)} to {max(files)} each; "
        f"code servers {min(memory)} to {max(memory)} MiB, daemon {running.memory_mib(running.daemon)}, "
        f"web server {running.memory_mib(running.webserver)}"
    )


def _processor_s(running: Installation) -> dict[str, float]:
    """Return the processor seconds so far; those of a code server hold the runs that it started and that ended."""
    return {
        "code servers and ended runs": sum(map(running.cpu_seconds, running.code_servers)),
        "daemon": running.cpu_seconds(running.daemon),
        "web server": running.cpu_seconds(running.webserver),
        "PostgreSQL": running.cpu_seconds(running.database),
    }


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
