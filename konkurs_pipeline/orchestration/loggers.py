"""What a run prints: warnings and errors only, redacted. The run's events are in Dagster's own log."""

import logging

import dagster as dg

from konkurs_pipeline.redaction import RedactingFilter


@dg.logger(description="Warnings and errors on stderr, identifiers masked")
def quiet_console(context: dg.InitLoggerContext) -> logging.Logger:
    """Return the logger."""
    del context
    logger = logging.Logger("konkurs.run", level=logging.CRITICAL)
    handler = logging.StreamHandler()
    handler.addFilter(RedactingFilter())
    logger.addHandler(handler)
    return logger
