"""Keep each new state of an estate with the time at which we knew it (`estate_versions`).

It reads only estates that change, so a poll with nothing new costs nothing. A version is written before `estates` is.
After a crash in between, the next poll finds the same change and the version already there. What does not belong here:
what the state is (domain/estates).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

import polars as pl

from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.schemas.tables import EstateVersions, dtypes
from konkurs_pipeline.steps.poll import Poll

# The columns whose change makes a new version.
_STATE: Final = ("state", "changed_by_uuid")


def keep_versions(poll: Poll, changed: pl.DataFrame) -> None:
    """Append a version for each of the `changed` estates whose state differs from its last version."""
    lake = poll.store.lake
    _make_missing(poll, set(lake.months("estates")) - set(lake.months("estate_versions")))
    days = set(changed["workday"])
    known = lake.read("estate_versions", days)
    now = changed.select(pl.all(), known_at=pl.lit(poll.now(), pl.Datetime("us", "UTC")))
    lake.replace("estate_versions", days, _with_new(known, now, poll.run_id))


def _with_new(known: pl.DataFrame, states: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """Return the known versions, followed by the new ones of `states` (estates with `known_at`)."""
    last = known.sort("version").group_by("opening_uuid").last().select("opening_uuid", "version", *_STATE)
    joined = states.join(last, on="opening_uuid", how="left", suffix="_before")
    is_other = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in _STATE)
    new = joined.filter(pl.col("version").is_null() | is_other).select(
        pl.col("version").fill_null(0) + 1, pl.lit(run_id).alias("run_id"), pl.exclude("version", "run_id")
    )
    return pl.concat([known, new.select(list(dtypes(EstateVersions)))])


def _make_missing(poll: Poll, months: Collection[dt.date]) -> None:
    """Make the versions of months that have estates and no versions: they were lost, or the store is older than versions.

    Each notice has the time when it was first seen. From that of its opening on, the estate was open; from that of the
    notice that changed it on, it has its present state.
    """
    if not months:
        return
    lake = poll.store.lake
    seen = lake.read("raw_notices", columns=["uuid", "first_seen_at"])
    now = lake.read_months("estates", months).join(
        seen.select(changed_by_uuid="uuid", changed_seen_at="first_seen_at"), on="changed_by_uuid", how="left"
    )
    now = now.join(seen.select(opening_uuid="uuid", known_at="first_seen_at"), on="opening_uuid")
    opened = now.with_columns(
        state=pl.lit("open"), state_since="registered_at", changed_by_uuid=pl.lit(None, pl.String)
    )
    versions = _with_new(lake.read_months("estate_versions", months), opened, poll.run_id)
    present = now.with_columns(known_at=pl.max_horizontal("known_at", "changed_seen_at"))
    lake.replace("estate_versions", set(now["workday"]), _with_new(versions, present, poll.run_id))
    message = f"estate_versions of {len(months)} months were not there and were made from the notices"
    poll.report(IssueCode.VERSIONS_REMADE, message)
