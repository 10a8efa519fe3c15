-- What waits in quarantine, and how long did the rest wait?
-- Tried again by every run, so what stays open needs a person (docs/operations.md).
SELECT reason,
    count(*) FILTER (resolved_at IS NULL) AS open,
    min(first_seen_at) FILTER (resolved_at IS NULL)::DATE AS "open since",
    count(resolved_at) AS resolved,
    round(quantile_cont(epoch(resolved_at - first_seen_at) / 3600, 0.5), 1) AS "hours to resolve, p50"
FROM quarantine
GROUP BY reason
ORDER BY open DESC, reason
