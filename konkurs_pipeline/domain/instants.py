"""The text form of an instant, and how far clocks may differ. Files, JSON and pages all use these."""

from __future__ import annotations

import datetime as dt
from typing import Final

# The clocks of two machines of the bank may differ by so much. A time further ahead comes from a wrong clock.
CLOCKS_DIFFER: Final = dt.timedelta(minutes=2)
# The service's clock and ours differ by less than this.
SERVICE_CLOCK_DIFFERS: Final = dt.timedelta(days=1)


def instant_text(instant: dt.datetime) -> str:
    """Return an instant in UTC as `2018-06-08T11:34:23.111Z`, cut to milliseconds, as the register writes it."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
