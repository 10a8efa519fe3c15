-- Which reviews are open, and since when?
-- A REVIEW that was handed over and not answered. Age counts from the newest notice that is known, which for a bank that polls
-- is now.
WITH now_ AS (SELECT max(first_seen_at) AS instant FROM raw_notices)
SELECT CASE WHEN age < INTERVAL 1 DAY THEN '1: today'
            WHEN age < INTERVAL 7 DAY THEN '2: this week'
            WHEN age < INTERVAL 30 DAY THEN '3: this month'
            ELSE '4: older' END AS age,
    count(*) AS reviews, min(exported_at)::DATE AS oldest
FROM (SELECT exported_at, instant - exported_at AS age FROM actions, now_ WHERE action = 'REVIEW' AND status = 'exported')
GROUP BY ALL
ORDER BY 1
