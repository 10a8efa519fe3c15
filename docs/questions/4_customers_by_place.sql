-- Where do the customers live who were hit?
-- The dataset has the debtor's postal place (poststed), not the municipality, and only datasets that were fetched tell it:
-- join postal_code with Posten's register for municipalities. Not in a pseudonymised copy.
SELECT coalesce(d.postal_place, '(no dataset)') AS postal_place, count(DISTINCT m.customer_ref) AS customers
FROM customer_matches m
JOIN raw_notices n ON n.uuid = m.notice_uuid AND n.type = 'aapning'
LEFT JOIN debtors d ON d.notice_uuid = m.notice_uuid AND d.role = 'debtor'
GROUP BY ALL
ORDER BY customers DESC, postal_place
LIMIT 10
