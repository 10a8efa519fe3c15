"""What a run prints: nothing but what is critical, redacted. The run's events are in Dagster's own log."""

import logging
from typing import Any, Final

import dagster as dg

from konkurs_pipeline.redaction import RedactingFilter

# Given with every run that is requested here: without it Dagster prints every event of the run on stderr.
QUIET_RUN_CONFIG: Final[dict[str, Any]] = {"loggers": {"console": {}}}


@dg.logger(description="Critical messages on stderr, identifiers masked")
def quiet_console(context: dg.InitLoggerContext) -> logging.Logger:
    """Return the logger."""
    del context
    logger = logging.Logger("konkurs.run", level=logging.CRITICAL)
    handler = logging.StreamHandler()
    handler.addFilter(RedactingFilter())
    logger.addHandler(handler)
    return logger
