-- What did we know 30 days ago?
-- The states of all bankruptcies as `estates` stood then, beside how the same ones stand now. Days count back from the newest
-- thing known; a store younger than that shows what it knew first. For another moment put it in place of `(SELECT t FROM moment)`.
WITH moment AS (
    SELECT coalesce(max(known_at) FILTER (known_at <= newest - INTERVAL 30 DAY), min(known_at)) AS t
    FROM estate_versions, (SELECT max(known_at) AS newest FROM estate_versions)
)
SELECT then_.state AS "state then", count(*) AS estates,
    count(*) FILTER (now_.state <> then_.state) AS "another state now",
    max(then_.known_at) AS "newest known then"
FROM estates_as_of((SELECT t FROM moment)) then_ JOIN estates now_ USING (opening_uuid)
GROUP BY ALL
ORDER BY estates DESC
