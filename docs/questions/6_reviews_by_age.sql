-- Which reviews are open, and since when?
-- A REVIEW is open from the file that holds it until a person records an outcome (`konkurs review`). Core banking's receipt
-- closes none. Age counts from the newest notice, which for a bank that polls is now.
WITH now_ AS (SELECT max(first_seen_at) AS instant FROM raw_notices),
open_ AS (
    SELECT exported_at, instant - exported_at AS age
    FROM actions a, now_
    WHERE action = 'REVIEW' AND exported_at IS NOT NULL
        AND NOT EXISTS (FROM reviews r WHERE r.action_id = a.action_id)
)
SELECT CASE WHEN age < INTERVAL 1 DAY THEN '1: today'
            WHEN age < INTERVAL 7 DAY THEN '2: this week'
            WHEN age < INTERVAL 30 DAY THEN '3: this month'
            ELSE '4: older' END AS age,
    count(*) AS reviews, min(exported_at)::DATE AS oldest
FROM open_
GROUP BY ALL
ORDER BY 1
