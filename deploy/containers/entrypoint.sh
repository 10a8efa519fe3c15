#!/bin/sh
# Dagster takes PostgreSQL's password from the environment only; a secret comes as a file. Nothing else happens here.
set -eu
if [ -n "${DAGSTER_PG_PASSWORD_FILE:-}" ]; then
    DAGSTER_PG_PASSWORD=$(cat "$DAGSTER_PG_PASSWORD_FILE")
    export DAGSTER_PG_PASSWORD
fi
exec "$@"
