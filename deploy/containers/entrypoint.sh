#!/bin/sh
# Dagster reads PostgreSQL's password from the environment only, and a secret comes as a file. Before the daemon starts, this
# removes future times from Dagster's history: after a clock that was ahead, schedules would wait until then.
set -eu
if [ -n "${DAGSTER_PG_PASSWORD_FILE:-}" ]; then
    DAGSTER_PG_PASSWORD=$(cat "$DAGSTER_PG_PASSWORD_FILE")
    export DAGSTER_PG_PASSWORD
fi
if [ "${1:-}" = dagster-daemon ]; then
    python -m konkurs_pipeline.orchestration.future_ticks
fi
exec "$@"
