"""What each asset does, without dagster: read, one domain function, write. The order is `steps.poll`'s.

Tests and simulations call these; orchestration wraps them as assets.
"""
