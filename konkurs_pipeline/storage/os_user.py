"""The operating system's user, recorded beside the name that somebody typed."""

from __future__ import annotations

import os
import pwd


def operating_system_user() -> str:
    """Return the user that the process runs as, and who called it with sudo: `konkurs (sudo: kari)`."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        # In a container a user may have no name.
        name = f"uid {number}"
    caller = os.environ.get("SUDO_USER")
    return f"{name} (sudo: {caller})" if caller and caller != name else name
