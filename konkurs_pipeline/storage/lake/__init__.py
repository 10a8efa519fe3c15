"""The lake: Parquet tables, one file a table and month, with their hashes."""
