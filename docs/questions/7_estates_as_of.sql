-- What did we know at noon on 30 September?
-- The states of all bankruptcies as `estates` stood then, beside how the same ones stand now. Change the moment.
SELECT then_.state AS "state then", count(*) AS estates,
    count(*) FILTER (now_.state <> then_.state) AS "another state now",
    max(then_.known_at) AS "newest known then"
FROM estates_as_of('2024-09-30 12:00:00+02') then_ JOIN estates now_ USING (opening_uuid)
GROUP BY ALL
ORDER BY estates DESC
