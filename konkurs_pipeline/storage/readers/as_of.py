"""Table macros that answer "what did we know then": `estates_as_of(t)`, `actions_as_of(t)`, `register_as_of(t)`.

They name tables without a schema, so they work over the views and in a published copy. `t` is an instant, or text that
DuckDB reads as one; without an offset it is in the session's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from konkurs_pipeline.schemas.tables import Actions, Table, dtypes

_ESTATES: Final = """
CREATE MACRO estates_as_of(t) AS TABLE
SELECT e.debtor_id, e.opening_uuid, e.workday, v.state, v.ruling_date, e.registered_at, v.state_since, v.changed_by_uuid,
    v.known_at
FROM estates e JOIN (
    SELECT opening_uuid, unnest(arg_max({state: state, ruling_date: ruling_date, state_since: state_since,
        changed_by_uuid: changed_by_uuid, known_at: known_at}, version))
    FROM estate_versions WHERE known_at <= t::TIMESTAMPTZ GROUP BY opening_uuid
) v USING (opening_uuid)
"""
_ACTIONS: Final = """
CREATE MACRO actions_as_of(t) AS TABLE
SELECT {columns}, h.known_at
FROM actions a JOIN (
    SELECT action_id, unnest(arg_max({{status: status, reported_at: reported_at{code}, known_at: known_at}}, version)),
        arg_max(reported_at, version) FILTER (status = 'exported') AS pending_at
    FROM action_history WHERE known_at <= t::TIMESTAMPTZ GROUP BY action_id
) h USING (action_id)
"""
_REGISTER: Final = """
CREATE MACRO register_as_of(t) AS TABLE
SELECT * FROM registers WHERE accepted_at <= t::TIMESTAMPTZ ORDER BY accepted_at DESC LIMIT 1
"""
_IS_CONFIRMED: Final = "h.status IN ('applied', 'already_applied', 'rejected')"
_IS_RELEASED: Final = "a.released_at <= t::TIMESTAMPTZ"
# The columns of an action that may change, as they were then. The others never change after the decision.
AS_THEN: Final[Mapping[str, str]] = {
    "status": "h.status",
    "seq": "CASE WHEN a.exported_at <= t::TIMESTAMPTZ THEN a.seq END",
    "exported_at": "CASE WHEN a.exported_at <= t::TIMESTAMPTZ THEN a.exported_at END",
    "confirmed_at": f"CASE WHEN {_IS_CONFIRMED} THEN least(h.reported_at, h.known_at) END",
    "status_code": "h.status_code",
    "pending_at": "h.pending_at",
    "released_at": f"CASE WHEN {_IS_RELEASED} THEN a.released_at END",
    "released_os_user": f"CASE WHEN {_IS_RELEASED} THEN a.released_os_user END",
    "released_by": f"CASE WHEN {_IS_RELEASED} THEN a.released_by END",
    "release_reason": f"CASE WHEN {_IS_RELEASED} THEN a.release_reason END",
    "void_reason": "CASE WHEN h.status = 'void' THEN a.void_reason END",
}
COMMENTS: Final[Mapping[str, str]] = {
    "estates_as_of": "`estates` as it stood at t, and known_at: from when on it said so. "
    "An opening that was not known then is absent.",
    "actions_as_of": "`actions` as it stood at t, and known_at: from when on the ledger said so. "
    "What was not decided then is absent. register_id names the register that the decision rested on.",
    "register_as_of": "The row of `registers` of the register in use at t; none before the first was accepted.",
}


def columns_of(table: type[Table]) -> list[str]:
    """Return the names of a table's columns, in order."""
    return list(dtypes(table))


def macros(action_columns: Sequence[str] = ()) -> Iterator[str]:
    """Yield the statements that make the macros; `action_columns`: those that `actions` has, default all."""
    columns = ", ".join(
        f'{AS_THEN.get(name, f"a.{name}")} AS "{name}"' for name in action_columns or columns_of(Actions)
    )
    has_code = not action_columns or "status_code" in action_columns
    code = ", status_code: status_code" if has_code else ""
    yield from (_ESTATES, _ACTIONS.format(columns=columns, code=code), _REGISTER)
    for name, comment in COMMENTS.items():
        quoted = comment.replace("'", "''")
        yield f"COMMENT ON MACRO TABLE {name} IS '{quoted}'"
