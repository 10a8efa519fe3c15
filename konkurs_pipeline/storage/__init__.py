"""The only place with paths, DuckDB connections and SQL: lake, ledger, outbox, register snapshots, analyst views."""
