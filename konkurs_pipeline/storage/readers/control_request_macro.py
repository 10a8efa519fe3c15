"""The table macro `control_request(…)`: the rules of `domain/control_requests` for callers by JDBC.

It records nothing, as a reader by JDBC cannot write here: the caller logs its requests. It does not know the customers'
numbers: by a customer's new number it does not find a bankruptcy under a former one, as `konkurs control-request` does.
It does not know public holidays: on one it may say `not_up_to_date` when the command does not.
"""

from __future__ import annotations

from typing import Final

from konkurs_pipeline.domain.control_requests import BRREG, MANDATE, RejectReason

COMMENT: Final = (
    "The answer to a trustee's request: decision (allow or reject), every reason, opening_uuid, ruling_date, "
    "earliest_from_date, known_up_to. It records nothing."
)
# The longest time without a poll: shorter in opening hours, which are shifted by the margin of the polls.
_LONGEST: Final = """CASE WHEN isodow(oslo) <= 5 AND oslo::TIME BETWEEN TIME '08:45' AND TIME '16:45'
        THEN INTERVAL 45 MINUTE ELSE INTERVAL 7 HOUR END"""
_SPELLINGS: Final = "mandate, url_decode(mandate), url_decode(replace(mandate, '+', ' '))"
_RULES: Final = {
    RejectReason.NOT_UP_TO_DATE: f"known_up_to IS NULL OR now() - known_up_to > {_LONGEST}",
    RejectReason.REQUESTER_NOT_ALLOWED: f"requester IS DISTINCT FROM '{BRREG}'",
    RejectReason.PARTY_ID_INVALID: "opening_uuid IS NULL AND NOT regexp_full_match(number, '[0-9]{9}|[0-9]{11}')",
    RejectReason.NO_BANKRUPTCY: "opening_uuid IS NULL",
    RejectReason.RULING_DATE_UNKNOWN: "opening_uuid IS NOT NULL AND ruling_date IS NULL",
    RejectReason.FROM_DATE_TOO_EARLY: "first_day < earliest_from_date",
    RejectReason.FROM_DATE_AFTER_TO_DATE: "first_day > last_day",
    RejectReason.TO_DATE_IN_FUTURE: "last_day > oslo::DATE",
    RejectReason.NOT_ONLY_PRIMARY_OWNER: "owners_only IS DISTINCT FROM true",
    RejectReason.LEGAL_MANDATE_WRONG: f"coalesce('{MANDATE}' NOT IN ({_SPELLINGS}), true)",
}


def control_request_macro() -> list[str]:
    """Return the statements that make the macro over `debtors`, `estates` and `polls`."""
    reasons = ", ".join(f"CASE WHEN {rule} THEN '{reason.value}' END" for reason, rule in _RULES.items())
    query = f"""
CREATE MACRO control_request(requester_orgnr, party_id, from_date, to_date, only_primary_owner, legal_mandate) AS TABLE
WITH asked AS (
    SELECT regexp_replace(requester_orgnr::VARCHAR, '[\\s.]', '', 'g') AS requester,
        regexp_replace(party_id::VARCHAR, '[\\s.]', '', 'g') AS number, from_date::DATE AS first_day,
        to_date::DATE AS last_day, only_primary_owner::BOOLEAN AS owners_only, legal_mandate::VARCHAR AS mandate,
        now() AT TIME ZONE 'Europe/Oslo' AS oslo
), named AS (
    SELECT notice_uuid FROM debtors WHERE national_id = (SELECT number FROM asked)
), chosen AS (
    SELECT opening_uuid, ruling_date, (ruling_date - INTERVAL 12 MONTH)::DATE AS earliest_from_date FROM estates
    WHERE state <> 'deleted' AND (opening_uuid IN (FROM named) OR changed_by_uuid IN (FROM named))
    ORDER BY state = 'open' DESC, CASE WHEN state = 'open' THEN ruling_date END NULLS LAST,
        CASE WHEN state = 'open' THEN registered_at END, registered_at DESC
    LIMIT 1
), known AS (
    SELECT max(ended_at) AS known_up_to FROM polls
    WHERE outcome IN ('new', 'nothing_new', 'partial') AND notices_seen IS NOT NULL
), judged AS (
    SELECT list_filter([{reasons}], lambda reason: reason IS NOT NULL) AS reasons,
        opening_uuid, ruling_date, earliest_from_date, known_up_to
    FROM asked CROSS JOIN known LEFT JOIN chosen ON true
)
SELECT CASE WHEN len(reasons) = 0 THEN 'allow' ELSE 'reject' END AS decision, * FROM judged
"""  # noqa: S608 -- own constants
    quoted = COMMENT.replace("'", "''")
    return [query, f"COMMENT ON MACRO TABLE control_request IS '{quoted}'"]
