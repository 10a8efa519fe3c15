-- Which kinds of customers were hit?
-- By what the debtor is, and how the customer was found: an ENK is found through its owner's dataset, so a customer who is
-- one is `linked_unit`, with the unit's organisation form.
SELECT n.debtor_kind, m.matched_via, coalesce(d.organisation_form, '') AS form,
    count(DISTINCT m.customer_ref) AS customers, count(*) AS openings
FROM customer_matches m
JOIN raw_notices n ON n.uuid = m.notice_uuid AND n.type = 'aapning'
LEFT JOIN debtors d ON d.notice_uuid = m.notice_uuid AND d.national_id = m.national_id
GROUP BY ALL
ORDER BY customers DESC, n.debtor_kind, m.matched_via
