"""The rules, pure: no I/O, no clock, no dagster. What is decided can be read and tested here alone."""
