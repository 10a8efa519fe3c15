-- What had been done 30 days ago, and against which register?
-- The actions as they stood, by the register that each was decided on, newest first; `register_as_of` names the one in use then.
-- Days count back from the newest change; a store younger than that shows its first one.
WITH moment AS (
    SELECT coalesce(max(known_at) FILTER (known_at <= newest - INTERVAL 30 DAY), min(known_at)) AS t
    FROM action_history, (SELECT max(known_at) AS newest FROM action_history)
),
accepted AS (
    SELECT register_id, max(accepted_at) AS accepted_at, any_value(customer_count) AS customers
    FROM registers WHERE accepted_at <= (SELECT t FROM moment) GROUP BY register_id
)
SELECT accepted.accepted_at AS "register accepted", accepted.customers,
    accepted.register_id = used.register_id AS "in use then",
    count(*) FILTER (a.action = 'BLOCK') AS blocks,
    count(*) FILTER (a.action = 'BLOCK' AND a.status IN ('applied', 'already_applied')) AS "of those confirmed then",
    count(*) FILTER (a.action <> 'BLOCK') AS "other actions"
FROM actions_as_of((SELECT t FROM moment)) a JOIN accepted USING (register_id),
    register_as_of((SELECT t FROM moment)) used
GROUP BY ALL
ORDER BY 1 DESC
LIMIT 4
