"""The rules, pure: no I/O, no clock, no dagster. Every decision can be read and tested here."""
