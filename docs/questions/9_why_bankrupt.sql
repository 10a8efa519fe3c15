-- Why do our customers go bankrupt?
-- By konkursgrunnlag: somebody's petition, their own, or winding up by force, whose reason is avviklingskode. A customer with
-- two openings counts in both. A match without a fetched document is counted apart.
SELECT CASE n.debtor_kind WHEN 'orgnr' THEN 'company' WHEN 'unknown' THEN 'unknown' ELSE 'person' END AS debtor,
    CASE d.konkursgrunnlag WHEN 'B' THEN 'B: begjæring' WHEN 'O' THEN 'O: oppbud' WHEN 'T' THEN 'T: tvangsavvikling'
        ELSE coalesce(d.konkursgrunnlag, '(no document)') END AS konkursgrunnlag,
    coalesce(d.avviklingskode, '') AS avviklingskode,
    count(DISTINCT m.customer_ref) AS customers, count(DISTINCT n.uuid) AS openings
FROM customer_matches m
JOIN raw_notices n ON n.uuid = m.notice_uuid AND n.type = 'aapning'
LEFT JOIN documents d ON d.notice_uuid = n.uuid
GROUP BY ALL
ORDER BY customers DESC, debtor, konkursgrunnlag, avviklingskode
