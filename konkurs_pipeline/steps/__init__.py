"""The steps of a run, without dagster: read, call one domain function, write. `sequence` has their order.

Tests and simulations call them; orchestration wraps them as assets.
"""
