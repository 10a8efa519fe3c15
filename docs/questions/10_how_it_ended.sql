-- How did it end for our customers, and after how long?
-- Days from kjennelsesdato to the notice that ended the bankruptcy; for an open one, to the newest notice that is known.
-- avslutningskode says how proceedings ended: no means, a distribution, returned to the debtor, or tvangsakkord.
WITH now_ AS (SELECT max(registered_at) AS instant FROM raw_notices),
ours AS (
    SELECT e.state, d.avslutningskode,
        date_diff('day', e.ruling_date, CASE e.state WHEN 'open' THEN instant ELSE e.state_since END::DATE) AS days
    FROM estates e JOIN now_ ON true LEFT JOIN documents d ON d.notice_uuid = e.changed_by_uuid AND e.state = 'closed'
    WHERE e.opening_uuid IN (SELECT notice_uuid FROM customer_matches)
)
SELECT state,
    CASE avslutningskode WHEN 'M' THEN 'M: lack of means' WHEN 'U' THEN 'U: distribution'
        WHEN 'T' THEN 'T: returned to the debtor' WHEN 'A' THEN 'A: tvangsakkord'
        ELSE coalesce(avslutningskode, '') END AS avslutningskode,
    count(*) AS bankruptcies,
    quantile_cont(days, 0.5)::INT AS "days, p50", quantile_cont(days, 0.9)::INT AS "days, p90", max(days) AS longest
FROM ours
GROUP BY ALL
ORDER BY bankruptcies DESC, state, avslutningskode
