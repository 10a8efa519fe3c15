"""An alert (`konkurs-alert/1`) as a webhook or a command receives it. Source: docs/settings.md."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Alert(BaseModel):
    """An alarm was raised or cleared. It holds no national identifier."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, alias_generator=lambda name: name.rstrip("_")
    )

    schema_: Literal["konkurs-alert/1"] = Field(default="konkurs-alert/1", description="the contract")
    event: Literal["raised", "cleared"] = Field(description="raised: also when it got worse")
    alarm: str = Field(pattern=r"^[a-z_]+$", description="which: its section in docs/runbook.md")
    severity: Literal["error", "warning"] = Field(description="error: a block or a reopening may be late or wrong")
    said: str = Field(description="what was found, or had been")
    cure: str = Field(description="what to do")
    bank: str = Field(description="KONKURS_BANK_ID")
    environment: Literal["demo", "test", "prod"] = Field(description="KONKURS_ENVIRONMENT")
    at: str = Field(json_schema_extra={"format": "date-time"}, description="when it was sent, UTC")
    text: str = Field(description="all of it for a person, as chat services show it")
