-- How many notices a month, by type?
-- By the Norwegian date on which they were registered.
SELECT strftime(registered_at, '%Y-%m') AS month,
    count(*) FILTER (type = 'aapning') AS openings,
    count(*) FILTER (type = 'avslutning') AS closings,
    count(*) FILTER (type = 'oppheving') AS revocations,
    count(*) FILTER (type = 'sletting') AS deletions
FROM raw_notices
GROUP BY month
ORDER BY month DESC
LIMIT 12
