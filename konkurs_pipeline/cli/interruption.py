"""Ctrl-C, SIGTERM and SIGHUP end every command with one line and exit code 130.

At the first signal the program prints the line and raises `KeyboardInterrupt`, so that the command can end in order.
Libraries replace handlers, swallow the interrupt, or stay in their own code too long. So a thread also listens: it ends
the process after `_GRACE_S`, or at the second signal. That is a crash, and every write survives a crash.

Only the standard library is imported here: this is the first thing that the program does.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S: Final = 3.0
STOPPED: Final = 130
_LINE: Final = b"konkurs: stopped; what was committed stays, and the next run goes on from there\n"
# On a terminal: remove a progress bar, and show the cursor that it hid.
_CLEAR: Final = b"\r\x1b[2K\x1b[?25h"

# Whoever prints the line takes this lock first and never releases it, so the line is printed once.
_line = threading.Lock()


def watch_signals() -> None:
    """Listen from now on."""
    hears, speaks = os.pipe()
    os.set_blocking(speaks, False)
    signal.set_wakeup_fd(speaks, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    # A command under nohup must outlive its terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)
    threading.Thread(target=_listen, args=(hears,), name="konkurs-signals", daemon=True).start()


def stop_watching() -> None:
    """Ignore signals from now on: the work is done."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def is_stopped() -> bool:
    """Whether a signal came."""
    return _line.locked()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    if _say_once():
        raise KeyboardInterrupt


def _hang_up(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does now: while a run executes, Dagster replaces the handlers of SIGINT and SIGTERM only."""
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(number, frame)


def _listen(hears: int) -> None:
    _wait_for_signal(hears)
    _say_once()
    threading.Thread(target=_end_after_grace, daemon=True).start()
    _wait_for_signal(hears)
    os._exit(STOPPED)


def _wait_for_signal(hears: int) -> None:
    # The pipe also tells of other signals, such as SIGCHLD: they are not ours.
    while os.read(hears, 1)[0] not in _SIGNALS:
        pass


def _end_after_grace() -> None:
    time.sleep(_GRACE_S)
    os._exit(STOPPED)


def _say_once() -> bool:
    """Print the line and close standard error after it; returns false if it was printed before.

    What libraries print about an interrupt helps nobody.
    """
    if not _line.acquire(blocking=False):
        return False
    try:
        os.write(2, (_CLEAR if os.isatty(2) else b"") + _LINE)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    except OSError:
        pass  # Standard error is closed or full: the exit code says it.
    return True
