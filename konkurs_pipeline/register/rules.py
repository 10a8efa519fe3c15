"""Judges the bank's register, pure: which rows are flagged, and when a file is refused whole.

A few bad rows are kept and flagged, so that a match on one goes to a person. A large share of bad rows means a damaged
file (columns swapped, zeros lost): it is refused, as its customers would match nothing and nobody would notice. No
message holds a value from the register. What does not belong here: reading files (register/files).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions.situation import Relation
from konkurs_pipeline.domain.identifiers import IdKind, id_kind, is_account_no
from konkurs_pipeline.register.references import WITHHELD
from konkurs_pipeline.register.refusal import refuse
from konkurs_pipeline.register.symptoms import Symptom, account_symptoms, customer_symptoms, likely_cause

# If more accounts have no customer, it is the wrong file or columns are swapped; if fewer, the files are of different
# hours.
_MAX_ORPHAN_SHARE: Final = 0.5
# If more references or names are people's numbers, columns are swapped. References go to the outbox, where no national
# identifier may stand.
_MAX_MISPLACED_SHARE: Final = 0.5
_PERSON_ID_LENGTH: Final = 11
_PEOPLE: Final = [kind.value for kind in IdKind if kind.is_person]
# A tenth of all account numbers pass the check of a person's number. So a few rows say nothing, and a sample of many is
# enough.
_SAMPLE_MIN: Final = 20
# A bankruptcy matches a few customers at most, so a longer list of owners is cut. It then ends with an owner without a
# name, whom no estate matches: a person looks.
_MOST_OWNERS: Final = 20
_ISO_DATE: Final = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_SAMPLE_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the settings: whether test numbers are valid, and the largest share of failing rows."""

    synthetic_allowed: bool
    max_invalid: float


@dataclass(frozen=True, slots=True)
class JudgedAccounts:
    """The accounts in use (RegisterAccounts), and how many were left out because their customer is unknown."""

    accounts: pl.DataFrame
    n_orphans: int


def judge_customers(raw: pl.DataFrame, name: str, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn the text columns of a customers file into (customers, identifiers), or raise `RegisterError`.

    `raw`: customer_ref, national_id, former_ids, name, all text, as spelling reads them. Out: RegisterCustomers and
    RegisterIdentifiers. A row is flagged where national_id fails its check, or its reference is withheld; a former id that
    fails flags itself.
    """
    kind = id_kind(pl.col("national_id"), synthetic_allowed=limits.synthetic_allowed)
    judged = raw.lazy().with_columns(id_kind=kind).collect(engine="streaming")
    judged = judged.with_columns(is_flagged=pl.col("id_kind") == IdKind.UNKNOWN.value)
    symptoms = partial(customer_symptoms, synthetic_allowed=limits.synthetic_allowed)
    _refuse_bad_share(judged, "national_id", name, limits, symptoms)
    _refuse_swapped(judged, name)
    _refuse_bad_refs(judged, name)
    is_withheld = pl.col("customer_ref").str.starts_with(WITHHELD)
    judged = judged.with_columns(is_flagged=pl.col("is_flagged") | is_withheld)
    former = _former_identifiers(judged, limits)
    _refuse_bad_former_ids(former, judged.height, name, limits)
    customers = judged.select(
        "customer_ref", _empty_as_null("national_id"), "id_kind", _empty_as_null("name"), "is_flagged"
    )
    return customers, _identifiers(customers, former)


def judge_accounts(raw: pl.DataFrame, name: str, customers: pl.DataFrame, limits: Limits) -> JudgedAccounts:
    """Turn the text columns of an accounts file into the accounts in use, or raise `RegisterError`.

    `raw`: account_no, customer_ref, relation, is_blocked, opened_at, all text. A row with a number, relation, is_blocked
    or opened_at that fails its check is flagged. Rows that are alike throughout count once. Rows of no customer in
    `customers` are left out, but they count as owners of their account. A number that is its customer's own national_id
    is no account: it is flagged, and emptied, as account numbers are written to the outbox.
    """
    blocked = pl.col("is_blocked").str.to_lowercase()
    is_blocked = pl.when(blocked == "true").then(statement=True).when(blocked == "false").then(statement=False)
    opened_at = pl.when(pl.col("opened_at").str.contains(_ISO_DATE)).then("opened_at").str.to_date(strict=False)
    is_flagged = (
        ~is_account_no(pl.col("account_no"))
        | ~pl.col("relation").is_in(list(Relation))
        | ~blocked.is_in(["true", "false", ""])
        | (opened_at.is_null() & (pl.col("opened_at") != ""))
    )
    columns = {"is_blocked": is_blocked, "opened_at": opened_at, "is_flagged": is_flagged}
    judged = raw.lazy().with_columns(**columns).collect(engine="streaming")
    _refuse_bad_share(judged, "account_no, relation, is_blocked or opened_at", name, limits, account_symptoms)
    _refuse_people_for_accounts(judged, name)
    known = judged.lazy().join(customers.lazy().select("customer_ref", "national_id"), on="customer_ref")
    in_use = known.collect(engine="streaming")
    n_orphans = judged.height - in_use.height
    if n_orphans > _MAX_ORPHAN_SHARE * judged.height:
        reason = f"{n_orphans} of {judged.height} accounts are of no customer in the customers file"
        refuse(name, reason, "Export both files from the same system on the same day, and check the columns")
    in_use = _without_national_ids(in_use, name, limits)
    return JudgedAccounts(_with_owners(_sorted_once(in_use), judged), n_orphans)


def _refuse_people_for_accounts(judged: pl.DataFrame, name: str) -> None:
    """Refuse people's numbers in account_no: every fødselsnummer passes the check of an account number."""
    sample = judged.head(_SAMPLE_MAX)
    kind = id_kind(pl.col("account_no"), synthetic_allowed=True)
    n_people = sample.select(kind.is_in(_PEOPLE).sum()).item()
    if sample.height >= _SAMPLE_MIN and n_people > _MAX_MISPLACED_SHARE * sample.height:
        reason = f"account_no is a national identity number in {n_people} of the first {sample.height} rows"
        refuse(name, f"{reason}: columns are swapped", "Mend the export")


def _without_national_ids(in_use: pl.DataFrame, name: str, limits: Limits) -> pl.DataFrame:
    """Flag and empty each account number that is its customer's own national_id; refuse a large share of them."""
    is_own = (pl.col("account_no") == pl.col("national_id")).fill_null(value=False)
    n_own = in_use.select(is_own.sum()).item()
    if n_own > limits.max_invalid * in_use.height:
        reason = f"account_no is the customer's own national_id in {n_own} of {in_use.height} rows"
        refuse(name, reason, "Give the account numbers: they go to core banking, and national_id may not")
    if n_own:
        account_no = pl.when(~is_own).then("account_no").otherwise(pl.lit(""))
        in_use = in_use.with_columns(account_no=account_no, is_flagged=pl.col("is_flagged") | is_own)
    return in_use.drop("national_id")


def _with_owners(accounts: pl.DataFrame, all_rows: pl.DataFrame) -> pl.DataFrame:
    """Add `owners`: the references with an owner row of the account in `all_rows`; null: there are not several."""
    is_owner = (pl.col("relation") == Relation.OWNER.value) & is_account_no(pl.col("account_no"))
    owners = all_rows.lazy().filter(is_owner).select("account_no", "customer_ref").collect(engine="streaming")
    several = owners.filter(owners["account_no"].is_duplicated()).unique().sort("account_no", "customer_ref")
    first = pl.col("customer_ref").head(_MOST_OWNERS).str.join("\n")
    cut = pl.when(pl.len() > _MOST_OWNERS).then(pl.lit("\n")).otherwise(pl.lit(""))
    named = several.group_by("account_no").agg(pl.len(), owners=first + cut)
    shared = named.filter(pl.col("len") > 1).drop("len")
    return accounts.join(shared, on="account_no", how="left", maintain_order="left")


def _sorted_once(accounts: pl.DataFrame) -> pl.DataFrame:
    """Sort by customer and account, and drop the rows like the one before (cheaper than `unique`)."""
    in_order = accounts.lazy().sort("customer_ref", "account_no", "relation", "is_blocked", "opened_at", "is_flagged")
    data = in_order.collect(engine="streaming")
    is_first = pl.int_range(pl.len()) == 0
    return data.filter(is_first | pl.any_horizontal(pl.all().ne_missing(pl.all().shift(1))))


def refuse_if_shrunk(new_count: int, last_count: int | None, max_shrink: float, what: str) -> None:
    """Raise `RegisterError` if `what` has lost a larger share of its rows than `max_shrink`.

    `last_count`: None if there was none. A file that was there and is missing counts as shrunk to nothing.
    """
    if not last_count or (last_count - new_count) / last_count <= max_shrink:
        return
    refuse(
        what,
        f"it shrank from {last_count} to {new_count} rows, "
        f"by more than KONKURS_MAX_REGISTER_SHRINK ({max_shrink:g}) allows",
        "Export it whole; if it is right, raise the limit for one run",
    )


def _refuse_bad_refs(judged: pl.DataFrame, name: str) -> None:
    ref = pl.col("customer_ref")
    n_empty = judged.select((ref == "").sum()).item()
    if n_empty:
        refuse(
            name,
            f"customer_ref is empty in {n_empty} of {judged.height} rows",
            "Give every customer its reference",
        )
    n_distinct = judged.lazy().select(ref.n_unique()).collect(engine="streaming").item()
    if n_distinct < judged.height:
        reason = f"customer_ref is not unique: {judged.height} rows have {n_distinct} different ones"
        refuse(name, reason, "Give one row for each customer")


def _refuse_bad_share(
    judged: pl.DataFrame, what: str, name: str, limits: Limits, symptoms: Callable[[], tuple[Symptom, ...]]
) -> None:
    n_failing = judged.select(pl.col("is_flagged").sum()).item()
    if n_failing / judged.height <= limits.max_invalid:
        return
    cause = likely_cause(judged.filter("is_flagged"), symptoms())
    refuse(name, _share_reason(what, n_failing, judged.height, limits) + cause, "Mend the export")


def _share_reason(what: str, n_failing: int, n_rows: int, limits: Limits) -> str:
    return (
        f"{what} fails its check in {n_failing} of {n_rows} rows, "
        f"more than KONKURS_MAX_REGISTER_INVALID ({limits.max_invalid:g}) allows"
    )


def _refuse_swapped(judged: pl.DataFrame, name: str) -> None:
    """Refuse identifiers in the columns of the reference or the name: the check of national_id does not show them."""
    # The length is checked first: the whole check costs seconds on ten million rows.
    long_refs = judged.lazy().filter(pl.col("customer_ref").str.len_bytes() == _PERSON_ID_LENGTH)
    kind = id_kind(pl.col("customer_ref"), synthetic_allowed=True)
    is_person = kind.is_in(_PEOPLE)
    n_people = long_refs.select(is_person.sum()).collect(engine="streaming").item()
    if n_people > _MAX_MISPLACED_SHARE * judged.height:
        reason = f"customer_ref is a national identity number in {n_people} of {judged.height} rows"
        refuse(name, reason, "Give the bank's own reference: it goes to core banking, and such numbers may not")
    n_names, n_numbers = judged.select(
        (pl.col("name") != "").sum(), pl.col("name").str.contains(r"\A[0-9 ]+\z").sum().alias("n_numbers")
    ).row(0)
    if n_numbers > _MAX_MISPLACED_SHARE * n_names:
        reason = f"name is a number in {n_numbers} of the {n_names} rows that have one: columns are swapped"
        refuse(name, reason, "Mend the export")


def _former_identifiers(judged: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """One row per former id that is not the present one; `is_failing` is its own, beside the row's flag."""
    pieces = (
        judged.lazy()
        .filter(pl.col("former_ids") != "")
        .select(
            "customer_ref",
            "is_flagged",
            present="national_id",
            national_id=pl.col("former_ids").str.split(" "),
        )
        .explode("national_id", empty_as_null=True)
        .filter((pl.col("national_id") != "") & (pl.col("national_id") != pl.col("present")))
        .unique(["national_id", "customer_ref"])
    )
    kind = id_kind(pl.col("national_id"), synthetic_allowed=limits.synthetic_allowed)
    return pieces.with_columns(is_failing=kind == IdKind.UNKNOWN.value).collect(engine="streaming")


def _refuse_bad_former_ids(former: pl.DataFrame, n_rows: int, name: str, limits: Limits) -> None:
    n_failing = former.filter("is_failing").select(pl.col("customer_ref").n_unique()).item()
    if n_failing / n_rows > limits.max_invalid:
        cure = "Give former_ids as identifiers parted by a space, and check that no columns are swapped"
        refuse(name, _share_reason("former_ids", n_failing, n_rows, limits), cure)


def _identifiers(customers: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    present = customers.lazy().filter(pl.col("national_id").is_not_null())
    columns = ("national_id", "customer_ref", "is_former", "is_flagged")
    both = [
        present.with_columns(is_former=pl.lit(value=False)).select(columns),
        former.lazy()
        .with_columns(is_former=pl.lit(value=True), is_flagged=pl.col("is_flagged") | pl.col("is_failing"))
        .select(columns),
    ]
    return pl.concat(both).sort("national_id", "customer_ref").collect(engine="streaming")


def _empty_as_null(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(column)
