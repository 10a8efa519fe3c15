"""What a run prints: critical messages only, redacted. The run's events are in Dagster's own log."""

import logging
from typing import Any, Final

import dagster as dg

from konkurs_pipeline.redaction import RedactingFilter

# Every run is requested with it: else Dagster prints every event of the run on stderr.
QUIET_RUN_CONFIG: Final[dict[str, Any]] = {"loggers": {"console": {}}}


def _quiet(context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger of our own, so that no other library's handler prints its messages."""
    del context
    logger = logging.Logger("konkurs.run", level=logging.CRITICAL)  # noqa: LOG001 -- not the global one of that name
    handler = logging.StreamHandler()
    handler.addFilter(RedactingFilter())
    logger.addHandler(handler)
    return logger


quiet_console: Final = dg.LoggerDefinition(_quiet, description="Critical messages on stderr, identifiers masked")
