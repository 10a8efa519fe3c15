"""The query of the view `first_seen`: when each notice was first seen, and until when it was not.

What does not belong here: evidence from the bytes received (enquiries/evidence).
"""

from __future__ import annotations

from typing import Final

from konkurs_pipeline.domain.outcomes import GOOD

# A backfill sees old notices whenever it runs: that says nothing about the service.
_IN_TIME: Final = "INTERVAL 2 DAY"
_GOOD: Final = ", ".join(f"'{outcome}'" for outcome in sorted(GOOD))
_ASKED_AFTER: Final = "TRY_CAST(regexp_extract(a.resource, '/oppdatert/(.+)$', 1) AS TIMESTAMPTZ)"
_WHOLE_LISTS: Final = f"""
    SELECT a.fetched_at, {_ASKED_AFTER} AS asked_after
    FROM answers a LEFT JOIN polls p ON p.run_id = a.run_id
    WHERE a.resource LIKE '%/oppdatert/%' AND (a.is_look OR p.outcome IN ({_GOOD}))"""  # noqa: S608 -- own constants
FIRST_SEEN_QUERY: Final = f"""
SELECT n.uuid AS notice_uuid, n.workday, n.registered_at,
    CASE WHEN l.asked_after < n.registered_at THEN l.fetched_at END AS not_seen_at,
    n.first_seen_at, epoch_ms(n.first_seen_at) // 60000 % 15 AS minute
FROM (FROM raw_notices WHERE first_seen_at - registered_at <= {_IN_TIME}) n
ASOF LEFT JOIN ({_WHOLE_LISTS}
) l ON n.first_seen_at > l.fetched_at"""  # noqa: S608 -- own constants
