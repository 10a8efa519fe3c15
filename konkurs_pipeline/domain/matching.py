"""Finds the customers that a notice is about: joins parties (debtor and linked units) with the bank's identifiers.

It joins the whole of one table with the whole of the other. So it finds new customers of old notices as it finds old
customers of new notices.

A match with an identifier that fails its check, on either side, or with a linked unit of an unknown form, is doubtful. It
is kept with its doubt, and can lead to a REVIEW only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from konkurs_pipeline.domain.documents.datasets import LINKED_FORMS, Role
from konkurs_pipeline.domain.identifiers import IdKind


class MatchedVia(StrEnum):
    """By which number a customer was found, the strongest first."""

    DEBTOR = "debtor"
    FORMER_ID = "former_id"
    LINKED_UNIT = "linked_unit"


class Doubt(StrEnum):
    """Why a match cannot lead to a BLOCK."""

    PARTY_IDENTIFIER_INVALID = "party_identifier_invalid"
    CUSTOMER_IDENTIFIER_INVALID = "customer_identifier_invalid"
    LINKED_UNIT_FORM_UNKNOWN = "linked_unit_form_unknown"


@dataclass(frozen=True, slots=True)
class Match:
    """One customer found for one notice."""

    notice_uuid: str
    customer_ref: str
    via: MatchedVia
    doubt: Doubt | None = None


def match_customers(parties: pl.DataFrame, identifiers: pl.DataFrame) -> pl.DataFrame:
    """Join parties and customers on their identifiers, as text; one row per notice and customer.

    `parties`: notice_uuid, workday, national_id, id_kind, role, organisation_form (table `debtors`). `identifiers`:
    national_id, customer_ref, is_former, is_flagged (the register snapshot). Returns notice_uuid, workday, customer_ref,
    matched_via, national_id, doubt (null: none). If several identifiers lead to the same customer, one without doubt
    counts first, then the strongest.
    """
    via = (
        pl.when(pl.col("role") == Role.LINKED_UNIT.value)
        .then(pl.lit(MatchedVia.LINKED_UNIT.value))
        .when(pl.col("is_former"))
        .then(pl.lit(MatchedVia.FORMER_ID.value))
        .otherwise(pl.lit(MatchedVia.DEBTOR.value))
    )
    strength = {member.value: place for place, member in enumerate(MatchedVia)}
    return (
        parties.lazy()
        .join(identifiers.lazy(), on="national_id", how="inner")
        .with_columns(matched_via=via, doubt=_doubt())
        .sort(
            "notice_uuid",
            "customer_ref",
            pl.col("doubt").is_not_null(),
            pl.col("matched_via").replace_strict(strength, return_dtype=pl.Int8),
            "national_id",
            "doubt",
        )
        .unique(["notice_uuid", "customer_ref"], keep="first", maintain_order=True)
        .select("notice_uuid", "workday", "customer_ref", "matched_via", "national_id", "doubt")
        .collect()
    )


def _doubt() -> pl.Expr:
    form = pl.col("organisation_form")
    return (
        pl.when(pl.col("id_kind") == IdKind.UNKNOWN.value)
        .then(pl.lit(Doubt.PARTY_IDENTIFIER_INVALID.value))
        .when(pl.col("is_flagged"))
        .then(pl.lit(Doubt.CUSTOMER_IDENTIFIER_INVALID.value))
        .when((pl.col("role") == Role.LINKED_UNIT.value) & form.is_not_null() & ~form.is_in(sorted(LINKED_FORMS)))
        .then(pl.lit(Doubt.LINKED_UNIT_FORM_UNKNOWN.value))
    )
