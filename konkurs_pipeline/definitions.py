"""Dagster loads the definitions from here: deploy/, bench/ and pyproject.toml name this module."""

from konkurs_pipeline.orchestration.definitions import defs

__all__ = ["defs"]
