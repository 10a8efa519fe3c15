"""The ledger: the transactional DuckDB database, and the tables that have a module of their own."""
