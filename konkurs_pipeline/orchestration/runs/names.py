"""The names by which runs are found: of the jobs, and of the tags that say which workdays a run is over."""

from __future__ import annotations

from typing import Final

POLL_JOB: Final = "konkurs_poll"
HOUSEKEEPING_JOB: Final = "housekeeping"
PARTITION_TAG: Final = "dagster/partition"
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
