-- What had been done then, and against which register?
-- The actions as they stood, by the register that each rested on, newest first; `register_as_of` names the one in use then.
WITH taken AS (
    SELECT register_id, max(accepted_at) AS accepted_at, any_value(customer_count) AS customers
    FROM registers WHERE accepted_at <= '2024-09-30 12:00:00+02'::TIMESTAMPTZ GROUP BY register_id
)
SELECT taken.accepted_at AS "register accepted", taken.customers, taken.register_id = used.register_id AS "in use then",
    count(*) FILTER (a.action = 'BLOCK') AS blocks,
    count(*) FILTER (a.action = 'BLOCK' AND a.status = 'applied') AS "of those confirmed then",
    count(*) FILTER (a.action <> 'BLOCK') AS "other actions"
FROM actions_as_of('2024-09-30 12:00:00+02') a JOIN taken USING (register_id),
    register_as_of('2024-09-30 12:00:00+02') used
GROUP BY ALL
ORDER BY 1 DESC
LIMIT 4
