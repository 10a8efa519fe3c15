#!/bin/sh
# Dagster takes PostgreSQL's password from the environment only; a secret comes as a file. And before the daemon starts, what
# a clock that was ahead left in Dagster's history is removed: schedules would wait until that time comes again.
set -eu
if [ -n "${DAGSTER_PG_PASSWORD_FILE:-}" ]; then
    DAGSTER_PG_PASSWORD=$(cat "$DAGSTER_PG_PASSWORD_FILE")
    export DAGSTER_PG_PASSWORD
fi
if [ "${1:-}" = dagster-daemon ]; then
    python -m konkurs_pipeline.orchestration.future_ticks
fi
exec "$@"
