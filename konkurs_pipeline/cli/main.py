"""`konkurs`: listens for signals before anything else is imported, runs the command, and ends with its exit code."""

from __future__ import annotations

import sys

from konkurs_pipeline.cli.interruption import STOPPED, is_stopped, stop_watching, watch_signals


def main() -> None:
    """Run the command that was typed. Never a traceback; a signal ends every command with one line and 130."""
    watch_signals()
    code = STOPPED
    try:
        from konkurs_pipeline.cli.running import run_command

        code = run_command(sys.argv[1:])
        stop_watching()
    except KeyboardInterrupt:
        pass
    except BaseException:
        # Dagster and asyncio raise errors of their own after an interrupt.
        if not is_stopped():
            raise
    sys.exit(STOPPED if is_stopped() else code)
