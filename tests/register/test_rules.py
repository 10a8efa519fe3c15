from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest

from konkurs_pipeline.errors import RegisterError
from konkurs_pipeline.register.files import COLUMNS, OPTIONAL_COLUMNS, RegisterKind
from konkurs_pipeline.register.rules import JudgedAccounts, Limits, judge_accounts, judge_customers, refuse_if_shrunk
from tests.register.bank import (
    BRREG_COMPANY,
    BRREG_PERSON,
    BRREG_PERSON_TOO,
    PERSON_FROM_2032,
    Row,
    account_numbers,
    account_rows,
    customer_rows,
    synthetic_people,
)

LAX = Limits(synthetic_allowed=True, max_invalid=1.0)
STRICT = Limits(synthetic_allowed=True, max_invalid=0.01)
PROD = Limits(synthetic_allowed=False, max_invalid=0.01)


def frame(kind: RegisterKind, rows: Sequence[Row]) -> pl.DataFrame:
    """Return the rows as read; a row that is too short for the optional columns leaves them empty."""
    columns = (*COLUMNS[kind], *OPTIONAL_COLUMNS[kind])
    filled = [[*row, *[""] * (len(columns) - len(row))] for row in rows]
    return pl.DataFrame(filled, schema=dict.fromkeys(columns, pl.String), orient="row")


def customers(rows: Sequence[Row], limits: Limits = LAX) -> tuple[pl.DataFrame, pl.DataFrame]:
    return judge_customers(frame(RegisterKind.CUSTOMERS, rows), "customers.csv", limits)


def accounts(rows: Sequence[Row], limits: Limits = LAX) -> tuple[list[tuple[object, ...]], int]:
    judged = judged_accounts(rows, limits)
    five = judged.accounts.select("account_no", "customer_ref", "relation", "is_blocked", "is_flagged")
    return five.rows(), judged.n_orphans


def judged_accounts(rows: Sequence[Row], limits: Limits = LAX) -> JudgedAccounts:
    known, _ = customers(customer_rows(10))
    return judge_accounts(frame(RegisterKind.ACCOUNTS, rows), "accounts.csv", known, limits)


def customers_refusal(rows: Sequence[Row], limits: Limits = STRICT) -> str:
    with pytest.raises(RegisterError) as caught:
        customers(rows, limits)
    return str(caught.value)


def accounts_refusal(rows: Sequence[Row], limits: Limits = STRICT) -> str:
    with pytest.raises(RegisterError) as caught:
        accounts(rows, limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("national_id", "kind"),
    [
        pytest.param(BRREG_PERSON, "fnr", id="a person"),
        pytest.param(BRREG_COMPANY, "orgnr", id="a company"),
        pytest.param(PERSON_FROM_2032, "fnr", id="a person under the rules from 2032"),
        pytest.param("08086001472", "unknown", id="a control digit that is wrong"),
        pytest.param("8086001471", "unknown", id="a lost zero is not repaired"),
        pytest.param("000000000", "unknown", id="nine zeros"),
    ],
)
def test_a_row_whose_identifier_fails_is_kept_as_text_and_flagged(national_id: str, kind: str) -> None:
    table, identifiers = customers([("C1", national_id, "", "N")])

    assert table.rows() == [("C1", national_id, kind, "N", kind == "unknown")]
    assert identifiers.rows() == [(national_id, "C1", False, kind == "unknown")]


def test_synthetic_numbers_count_outside_production_only() -> None:
    rows = customer_rows(3)

    assert customers(rows)[0]["is_flagged"].to_list() == [False] * 3
    assert customers(rows, Limits(synthetic_allowed=False, max_invalid=1))[0]["is_flagged"].to_list() == [True] * 3


def test_an_empty_identifier_is_flagged_and_can_match_nothing() -> None:
    table, identifiers = customers([("C1", "", "", "")])

    assert table.rows() == [("C1", None, "unknown", None, True)]
    assert identifiers.is_empty()


def test_former_ids_lead_to_the_same_customer() -> None:
    former = f"{BRREG_COMPANY}  {BRREG_PERSON_TOO} {BRREG_PERSON} {BRREG_COMPANY}"

    _, identifiers = customers([("C1", BRREG_PERSON, former, "")])

    assert identifiers.rows() == [
        (BRREG_PERSON, "C1", False, False),
        (BRREG_PERSON_TOO, "C1", True, False),
        (BRREG_COMPANY, "C1", True, False),
    ]


def test_a_former_id_that_fails_flags_itself_and_not_its_customer() -> None:
    table, identifiers = customers([("C1", BRREG_PERSON, "123", "")])

    assert table["is_flagged"].to_list() == [False]
    assert identifiers.rows() == [(BRREG_PERSON, "C1", False, False), ("123", "C1", True, True)]


def test_a_flagged_customer_is_flagged_by_its_former_ids_too() -> None:
    _, identifiers = customers([("C1", "123", BRREG_PERSON, "")])

    assert identifiers.rows() == [(BRREG_PERSON, "C1", True, True), ("123", "C1", False, True)]


def test_two_customers_may_have_the_same_identifier() -> None:
    _, identifiers = customers([("C2", BRREG_PERSON, "", ""), ("C1", BRREG_PERSON_TOO, BRREG_PERSON, "")])

    assert identifiers.rows() == [
        (BRREG_PERSON, "C1", True, False),
        (BRREG_PERSON, "C2", False, False),
        (BRREG_PERSON_TOO, "C1", False, False),
    ]


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_share_of_failing_identifiers_at_the_limit_is_taken_and_above_it_refused(bad: int) -> None:
    rows = [*customer_rows(200 - bad), *((f"X{n}", "123", "", "") for n in range(bad))]

    assert customers(rows, STRICT)[0]["is_flagged"].sum() == bad
    assert "in 3 of 201 rows" in customers_refusal([*customer_rows(198), *((f"X{n}", "1", "", "") for n in range(3))])


CUSTOMERS = customer_rows(40)


@pytest.mark.parametrize(
    ("rows", "limits", "reason"),
    [
        pytest.param([*CUSTOMERS, ("C00001", BRREG_PERSON, "", "")], STRICT, "not unique", id="a reference twice"),
        pytest.param([*CUSTOMERS, ("", BRREG_PERSON, "", "")], STRICT, "customer_ref is empty", id="no reference"),
        pytest.param([(r, i[1:], f, n) for r, i, f, n in CUSTOMERS], STRICT, "lost a leading zero", id="zeros lost"),
        pytest.param(
            [(i, r, f, n) for r, i, f, n in CUSTOMERS],
            STRICT,
            "in customer_ref: the columns are swapped",
            id="reference swapped",
        ),
        pytest.param(
            [(r, n, f, i) for r, i, f, n in CUSTOMERS],
            STRICT,
            "in name: the columns are swapped",
            id="name swapped",
        ),
        pytest.param(
            [(r, f, i, n) for r, i, f, n in CUSTOMERS],
            STRICT,
            "in former_ids: the columns are swapped",
            id="former_ids swapped",
        ),
        pytest.param(
            [(r, i, n, f) for r, i, f, n in CUSTOMERS],
            STRICT,
            "former_ids fails",
            id="former_ids and name swapped",
        ),
        pytest.param(
            [(r, i, "", i if r == "C00001" else "") for r, i, _, _ in CUSTOMERS],
            STRICT,
            "name is a number",
            id="former_ids under name",
        ),
        pytest.param(
            [(i, i, f, n) for _, i, f, n in CUSTOMERS],
            STRICT,
            "customer_ref is a national",
            id="people's numbers as references",
        ),
        pytest.param(
            [(r, a, f, n) for (r, _, f, n), a in zip(CUSTOMERS, account_numbers(40), strict=True)],
            STRICT,
            "an account number",
            id="account numbers",
        ),
        pytest.param([(r, i.lstrip("0") + ".0", f, n) for r, i, f, n in CUSTOMERS], STRICT, "decimals", id="decimals"),
        pytest.param([(r, "", f, n) for r, i, f, n in CUSTOMERS], STRICT, "have none", id="no identifiers"),
        pytest.param(CUSTOMERS, PROD, "synthetic", id="synthetic in production"),
    ],
)
def test_a_damaged_customers_file_is_refused_with_its_likely_cause(
    rows: Sequence[Row], limits: Limits, reason: str
) -> None:
    text = customers_refusal(rows, limits)

    assert reason in text
    assert not any(number in text for number in synthetic_people(40))


def test_a_good_account_is_taken_as_it_is() -> None:
    number = account_numbers(1)[0]
    rows = [
        (number, "C00001", "owner", "true"),
        (number, "C00002", "co_owner", "FALSE"),
        (number, "C00003", "disponent", ""),
    ]

    assert accounts(rows) == (
        [
            (number, "C00001", "owner", True, False),
            (number, "C00002", "co_owner", False, False),
            (number, "C00003", "disponent", None, False),
        ],
        0,
    )


@pytest.mark.parametrize(
    ("account_no", "relation", "is_blocked", "blocked"),
    [
        pytest.param("12345678901", "owner", "true", True, id="a number that fails"),
        pytest.param("", "owner", "true", True, id="no number"),
        pytest.param(account_numbers(1)[0], "Owner", "true", True, id="a relation not known"),
        pytest.param(account_numbers(1)[0], "", "false", False, id="no relation"),
        pytest.param(account_numbers(1)[0], "owner", "J", None, id="is_blocked not known"),
    ],
)
def test_an_invalid_account_is_kept_and_flagged(
    account_no: str,
    relation: str,
    is_blocked: str,
    blocked: bool | None,  # noqa: FBT001 - a case's value
) -> None:
    rows, _ = accounts([(account_no, "C00001", relation, is_blocked)])

    assert rows == [(account_no, "C00001", relation, blocked, True)]


def test_equal_rows_count_once_and_others_stay() -> None:
    number, other = account_numbers(2)
    row = (number, "C00001", "owner", "")

    rows, _ = accounts([row, (other, "C00001", "owner", ""), row, (number, "C00001", "disponent", ""), row])

    assert [(r[0], r[2]) for r in rows] == [(number, "disponent"), (number, "owner"), (other, "owner")]


def test_one_customer_may_have_500_accounts() -> None:
    rows, _ = accounts([(number, "C00001", "owner", "") for number in account_numbers(500)])

    assert len(rows) == 500


def test_accounts_of_no_customer_are_counted_and_left_out() -> None:
    rows, n_orphans = accounts(account_rows(15))

    assert (len(rows), n_orphans) == (10, 5)


@pytest.mark.parametrize(
    ("text", "opened_at", "is_flagged"),
    [
        pytest.param("2026-01-31", dt.date(2026, 1, 31), False, id="a date"),
        pytest.param("", None, False, id="empty"),
        pytest.param("2026-02-30", None, True, id="no such day"),
        pytest.param("31.01.2026", None, True, id="another form"),
        pytest.param("2026-01-31T00:00:00", None, True, id="an instant"),
        pytest.param("2026-1-31", None, True, id="no leading zero"),
        pytest.param(" 2026-01-31", None, True, id="a blank is not stripped"),
        pytest.param("٢٠٢٦-٠١-٣١", None, True, id="digits of another script"),
    ],
)
def test_opened_at_is_an_iso_date_or_the_row_is_flagged(
    text: str, opened_at: dt.date | None, *, is_flagged: bool
) -> None:
    rows = [(account_numbers(1)[0], "C00001", "owner", "false", text)]

    found = judged_accounts(rows).accounts.select("opened_at", "is_flagged").row(0)

    assert found == (opened_at, is_flagged)


NUMBER, OTHER_NUMBER = account_numbers(2)


@pytest.mark.parametrize(
    ("rows", "owners"),
    [
        pytest.param([(NUMBER, "C00001", "owner", "")], None, id="one owner"),
        pytest.param(
            [(NUMBER, "C00002", "owner", ""), (NUMBER, "C00001", "owner", "")], "C00001\nC00002", id="two customers"
        ),
        pytest.param(
            [(NUMBER, "C00001", "owner", ""), (NUMBER, "nobody", "owner", "")],
            "C00001\nnobody",
            id="the other is no customer, and still an owner",
        ),
        pytest.param(
            [(NUMBER, "C00001", "owner", ""), (NUMBER, "C00002", "owner", "perhaps")],
            "C00001\nC00002",
            id="the other row is flagged",
        ),
        pytest.param([(NUMBER, "C00001", "owner", ""), (NUMBER, "C00002", "co_owner", "")], None, id="a co-owner"),
        pytest.param([(NUMBER, "C00001", "owner", ""), (NUMBER, "C00001", "owner", "true")], None, id="one, twice"),
        pytest.param([(NUMBER, "C00001", "owner", ""), (OTHER_NUMBER, "C00002", "owner", "")], None, id="two accounts"),
        pytest.param(
            [("", "C00001", "owner", ""), ("", "C00002", "owner", "")],
            None,
            id="no account number, so no shared account",
        ),
    ],
)
def test_an_account_with_several_owner_rows_names_its_owners(rows: Sequence[Row], owners: str | None) -> None:
    judged = judged_accounts(rows).accounts.filter(customer_ref="C00001", relation="owner")

    assert set(judged["owners"]) == {owners}


def test_an_account_number_in_every_row_makes_no_table_of_pairs() -> None:
    """A damaged file of ten million such rows must be judged without filling the memory."""
    raw = frame(RegisterKind.ACCOUNTS, [(NUMBER, f"C{n:05}", "owner", "") for n in range(30)])
    judged = judge_accounts(raw, "accounts.csv", customers(customer_rows(30))[0], LAX)

    (owners,) = set(judged.accounts["owners"])
    *first, last = owners.split("\n")
    assert (len(first), last) == (20, ""), "the last owner has no name, so not all owners are matched"


ACCOUNTS = account_rows(10)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param(account_rows(21), "11 of 21 accounts are of no customer", id="mostly orphans"),
        pytest.param(
            [(r, a, k, b) for a, r, k, b in ACCOUNTS],
            "in customer_ref: the columns are swapped",
            id="reference swapped",
        ),
        pytest.param([(a, r, b, k) for a, r, k, b in ACCOUNTS], "a relation other than", id="relation swapped"),
        pytest.param([(a[1:], r, k, b) for a, r, k, b in ACCOUNTS], "lost a leading zero", id="zeros lost"),
        pytest.param([(f"NO93{a}", r, k, b) for a, r, k, b in ACCOUNTS], "IBAN", id="IBAN"),
        pytest.param([("1", r, k, b) for a, r, k, b in ACCOUNTS], "account_no that fails", id="no account numbers"),
        pytest.param([(a, r, k, "N") for a, r, k, b in ACCOUNTS], "is_blocked other", id="is_blocked"),
        pytest.param(
            [(a, r, k, b, "31.01.2026") for a, r, k, b in ACCOUNTS], "an opened_at that is no date", id="opened_at"
        ),
    ],
)
def test_a_damaged_accounts_file_is_refused_with_its_likely_cause(rows: Sequence[Row], reason: str) -> None:
    text = accounts_refusal(rows)

    assert reason in text
    assert not any(number in text for number in account_numbers(10))


@pytest.mark.parametrize(
    ("new", "last", "is_refused"),
    [
        pytest.param(80, 100, False, id="exactly a fifth less is taken"),
        pytest.param(79, 100, True, id="more than a fifth less"),
        pytest.param(0, None, False, id="nothing to compare with"),
        pytest.param(5, 0, False, id="there were none"),
        pytest.param(500, 100, False, id="growth"),
    ],
)
def test_a_register_that_shrank_too_much_is_refused(new: int, last: int | None, is_refused: bool) -> None:  # noqa: FBT001 - a case's value
    if not is_refused:
        refuse_if_shrunk(new, last, 0.2, "customers.csv")
        return
    with pytest.raises(RegisterError, match="shrank from 100 to 79 rows"):
        refuse_if_shrunk(new, last, 0.2, "customers.csv")
