"""The columns of the bank's register files, every one read as text. Source: docs/settings.md.

What does not belong here: reading a file (register/files) and judging its rows (register/rules).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from konkurs_pipeline.domain.actions.situation import Relation

_RELATION = f"^({'|'.join(Relation)})$"


class CustomerRow(BaseModel):
    """A row of the customers file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    customer_ref: str = Field(min_length=1, description="unique; it goes to core banking, so it holds no identifier")
    national_id: str = Field(pattern=r"^([0-9]{9}|[0-9]{11})$", description="orgnr, fødselsnummer or D-nummer")
    former_ids: str = Field(description="identifiers the customer had before, parted by a space; may be empty")
    name: str = Field(description="may be empty")


class AccountRow(BaseModel):
    """A row of the accounts file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    account_no: str = Field(pattern=r"^[0-9]{11}$", description="kontonummer, 11 digits")
    customer_ref: str = Field(min_length=1, description="the customer's, as in the customers file")
    relation: str = Field(pattern=_RELATION, description="owner: the primary owner (hovedeier)")
    is_blocked: str = Field(pattern="^(true|false|)$", description="whether the account is blocked; may be empty")
    opened_at: str = Field(default="", pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", description="ISO date; may be empty")
