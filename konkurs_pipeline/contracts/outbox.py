"""The records of an outbox file (`konkurs-actions/1`) and its manifest, key by key. Source: docs/outbox.md.

No national identifier and no name stands in these files. What does not belong here: the bytes (outbox_format).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from konkurs_pipeline.domain.actions.policy import POLICY_VERSION
from konkurs_pipeline.domain.actions.rows import ActionKind
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.matching import MatchedVia

ACTIONS_SCHEMA: Final = "konkurs-actions/1"
MANIFEST_SCHEMA: Final = "konkurs-actions-manifest/1"
ACCOUNT_HASH_MODULUS: Final = 10**11

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
Uuid = Annotated[str, Field(pattern=_UUID)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AccountNo = Annotated[str, Field(pattern=r"^[0-9]{11}$")]
Instant = Annotated[
    dt.datetime,
    PlainSerializer(instant_text),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"}, mode="serialization"),
]
Count = Annotated[int, Field(ge=0)]


class Written(BaseModel):
    """A record of a file: these keys, in this order, and no others."""

    # A field `schema_` is written as `schema`: pydantic's models have a method of that name.
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, alias_generator=lambda name: name.rstrip("_")
    )

    def as_written(self) -> dict[str, object]:
        """Return the record as the file has it."""
        return self.model_dump(mode="json", by_alias=True)


class Header(Written):
    """The first line of a file."""

    record: Literal["H"] = Field(default="H", description="header")
    schema_: Literal["konkurs-actions/1"] = Field(default=ACTIONS_SCHEMA, description="the contract")
    file_id: Uuid = Field(
        description="uuid5(NAMESPACE_URL, 'konkurs-actions/1/<bank>/<environment>/<run_id>/<seq>'); sent again: the same"
    )
    seq: int = Field(ge=1, description="1, 2, 3, … without gap")
    prev_sha256: Sha256 | None = Field(description="SHA-256 of the whole .jsonl before it; null in the first")
    bank: str = Field(pattern=r"^[A-Z0-9]{2,12}$", description="KONKURS_BANK_ID")
    environment: str = Field(pattern="^(demo|test|prod)$", description="carry out `prod` in production only")
    created_at: Instant = Field(description="when it was decided, UTC")
    run_id: str = Field(description="the run that wrote it")
    from_workday: dt.date = Field(description="the first workday asked for; the lookback before it was read too")
    to_workday: dt.date = Field(description="the last workday asked for")
    register_sha256: Sha256 | None = Field(
        description="SHA-256 of 'konkurs-register/1\\n<sha256 of customers>\\n<of accounts, or ->\\n'; null: no register yet"
    )
    policy: str = Field(default=POLICY_VERSION, description="edition of the decision table")

    @property
    def base_name(self) -> str:
        """The file's name without ending: KONKURS_<BANK>_<ENV>_<seq>_<UTC time>."""
        return f"KONKURS_{self.bank}_{self.environment}_{self.seq:08d}_{self.created_at:%Y%m%dT%H%M%SZ}"


class ActionRecord(Written):
    """One action. Carry the lines out in their order."""

    record: Literal["A"] = Field(default="A", description="action")
    n: int = Field(ge=1, description="1, 2, 3, … within the file")
    action_id: Uuid = Field(description="the same decision has the same id, in every file: carry it out once")
    action: ActionKind = Field(description="BLOCK, REOPEN, REVIEW (a person looks) or INFORM")
    customer_ref: str = Field(min_length=1, description="the bank's reference of the customer")
    account_no: AccountNo | None = Field(description="null: the customer as a whole, or (REVIEW) a damaged number")
    notice_uuid: Uuid = Field(description="Brreg's id of the notice")
    notice_type: str = Field(description="aapning, sletting, oppheving, avslutning; (unshown): another text")
    registered_at: str = Field(description="the notice's registreringstidspunkt, as received")
    ruling_date: dt.date | None = Field(description="the notice's kjennelsesdato; null if it had none")
    matched_via: MatchedVia = Field(description="how the customer was found")
    reason: str = Field(pattern=r"^[a-z_]+$", description="a code of docs/decision-table.md")
    caused_by: Uuid | None = Field(description="the BLOCK or REVIEW that this action answers; null: none")


# The columns of the CSV: those of an action, without the kind of record.
CSV_COLUMNS: Final = tuple(name for name in ActionRecord.model_fields if name != "record")


class Trailer(Written):
    """The last line of a file: the sums over the lines before it."""

    record: Literal["T"] = Field(default="T", description="trailer")
    actions: Count = Field(description="number of action lines")
    BLOCK: Count = Field(description="of these, BLOCK")
    REOPEN: Count = Field(description="of these, REOPEN")
    REVIEW: Count = Field(description="of these, REVIEW")
    INFORM: Count = Field(description="of these, INFORM")
    account_hash: int = Field(
        ge=0, lt=ACCOUNT_HASH_MODULUS, description="sum of all account_no modulo 10^11, without leading zeros"
    )
    sha256: Sha256 = Field(description="SHA-256 of all bytes before this line")


OutboxRecord = Annotated[Header | ActionRecord | Trailer, Field(discriminator="record")]


class ManifestFile(Written):
    """One file of the manifest."""

    name: str = Field(pattern=r"^KONKURS_[A-Z0-9]{2,12}_(demo|test|prod)_[0-9]{8,}_[0-9]{8}T[0-9]{6}Z\.(jsonl|csv)$")
    sha256: Sha256 = Field(description="SHA-256 of the file")
    bytes_: Count = Field(description="its size")
    rows: Count = Field(description="number of action rows: neither header, trailer nor the CSV's line of names")


class Manifest(Written):
    """The manifest is written last: read only files that a manifest names."""

    schema_: Literal["konkurs-actions-manifest/1"] = Field(default=MANIFEST_SCHEMA, description="the contract")
    seq: int = Field(ge=1, description="`seq` of the header")
    file_id: Uuid = Field(description="`file_id` of the header")
    files: tuple[ManifestFile, ...] = Field(description="the .jsonl and the .csv")
