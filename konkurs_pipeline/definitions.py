"""Where Dagster finds the definitions: deploy/, bench/ and pyproject.toml name this module."""

from konkurs_pipeline.orchestration.definitions import defs

__all__ = ["defs"]
