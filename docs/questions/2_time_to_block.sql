-- How long from registration to block?
-- In minutes, of the blocks of each year. "Seen" is Brreg's delay and the time to our next poll, "handed over" is when core
-- banking could read the file, "blocked" is what core banking says itself. A bank that starts late, or a backfill, blocks
-- for openings of long ago: such blocks (older than two days when first seen) are counted apart.
WITH blocks AS (
    SELECT year(n.registered_at) AS year,
        n.first_seen_at - n.registered_at <= INTERVAL 2 DAY AS in_time,
        epoch(n.first_seen_at - n.registered_at) / 60 AS seen,
        epoch(a.exported_at - n.registered_at) / 60 AS handed_over,
        CASE WHEN a.status IN ('applied', 'already_applied') THEN epoch(a.confirmed_at - n.registered_at) / 60 END AS blocked
    FROM actions a JOIN raw_notices n ON n.uuid = a.notice_uuid
    WHERE a.action = 'BLOCK' AND a.exported_at IS NOT NULL
)
SELECT year, count(*) AS blocks, count(*) FILTER (NOT in_time) AS "of old openings",
    round(quantile_cont(seen, 0.5) FILTER (in_time), 1) AS "seen p50",
    round(quantile_cont(handed_over, 0.5) FILTER (in_time), 1) AS "handed over p50",
    round(quantile_cont(handed_over, 0.99) FILTER (in_time), 1) AS "handed over p99",
    round(quantile_cont(blocked, 0.5) FILTER (in_time), 1) AS "blocked p50",
    round(quantile_cont(blocked, 0.99) FILTER (in_time), 1) AS "blocked p99",
    round(max(blocked) FILTER (in_time), 1) AS "longest"
FROM blocks
GROUP BY year
ORDER BY year
