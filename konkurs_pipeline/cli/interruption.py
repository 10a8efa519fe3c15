"""Ctrl-C and SIGTERM end every command with one line and exit code 130.

The first signal says the line at once and raises `KeyboardInterrupt`, so that what is under way is put away in order.
Libraries replace handlers, swallow the interrupt, or do not come back from their own code in time. So a thread hears of
each signal besides, and ends the process after `_GRACE_S`, or at the second signal. That is a crash, which every write
is made for.

Only the standard library is imported here: this is the first thing that the program does.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S: Final = 3.0
STOPPED: Final = 130
_LINE: Final = b"konkurs: stopped; what was committed stays, and the next run goes on from there\n"
# On a terminal: remove a progress bar, and show the cursor that it hid.
_CLEAR: Final = b"\r\x1b[2K\x1b[?25h"

# The first to print the line takes it, and never gives it back.
_line = threading.Lock()


def watch_signals() -> None:
    """Listen from now on."""
    hears, speaks = os.pipe()
    os.set_blocking(speaks, False)
    signal.set_wakeup_fd(speaks, warn_on_full_buffer=False)
    for number in _SIGNALS:
        # Who starts a command with nohup wants it to outlive the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    threading.Thread(target=_listen, args=(hears,), name="konkurs-signals", daemon=True).start()


def stop_watching() -> None:
    """Ignore signals from now on: the work is done."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def is_stopped() -> bool:
    """Whether a signal came."""
    return _line.locked()


def _interrupt(_number: int, _frame: object) -> None:
    if _say_once():
        raise KeyboardInterrupt


def _listen(hears: int) -> None:
    _wait_for_signal(hears)
    _say_once()
    threading.Thread(target=_end_after_grace, daemon=True).start()
    _wait_for_signal(hears)
    os._exit(STOPPED)


def _wait_for_signal(hears: int) -> None:
    # Others may use further signals, such as SIGCHLD, and those are heard as well.
    while os.read(hears, 1)[0] not in _SIGNALS:
        pass


def _end_after_grace() -> None:
    time.sleep(_GRACE_S)
    os._exit(STOPPED)


def _say_once() -> bool:
    """Say the line, and nothing on standard error after it; returns false where it was said before.

    What libraries print of an interrupt helps nobody.
    """
    if not _line.acquire(blocking=False):
        return False
    try:
        os.write(2, (_CLEAR if os.isatty(2) else b"") + _LINE)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    except OSError:
        pass  # Standard error is closed or full: the exit code says it.
    return True
