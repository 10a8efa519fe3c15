"""How many inputs a fuzz test tries: a few fixed ones in `make test`, many new ones in `make fuzz`."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

# `make fuzz EXAMPLES=…` sets it: the number of inputs a test, drawn again every time.
EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_SLOW_IS_FINE: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def fuzzed(*, usual: int = 100, cost: int = 1) -> settings:
    """Return the settings of a fuzz test: `usual` examples; in `make fuzz` EXAMPLES divided by `cost`."""
    if EXAMPLES:
        many = max(EXAMPLES // cost, 1)
        return settings(max_examples=many, deadline=None, suppress_health_check=_SLOW_IS_FINE, print_blob=True)
    return settings(
        max_examples=usual, derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW_IS_FINE
    )
