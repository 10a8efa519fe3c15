"""Names by which runs are found: the jobs, and the tags that say which workdays a run covers."""

from __future__ import annotations

from typing import Final

POLL_JOB: Final = "konkurs_poll"
HOUSEKEEPING_JOB: Final = "housekeeping"
PARTITION_TAG: Final = "dagster/partition"
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
