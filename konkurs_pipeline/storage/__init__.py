"""The store: lake, ledger, outbox, register snapshots, analyst views. Only this package has paths, DuckDB and SQL."""
