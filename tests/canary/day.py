"""The input of the canaries' day, from the service, the bank and core banking: a canary in every place for text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.domain.instants import instant_text
from tests.canary.cast import (
    EMAIL,
    LOST_ZERO,
    NAME,
    damaged_fnr,
    dnr,
    fnr,
    misplaced_account,
    orgnr,
    real_looking_orgnr,
)
from tests.pipeline.kit import ACCOUNT_COLUMNS, CUSTOMER_COLUMNS, MONDAY, account_no, csv_bytes, oslo

Item = dict[str, Any]
DEBTOR: Final = fnr("the debtor of a notice")
FIRM: Final = orgnr("the debtor of a notice, a company")
FORMER: Final = dnr("a former number of a customer")


def _uuid(n: int) -> str:
    return f"{n:08x}-1111-4111-8111-111111111111"


def _item(n: int, debtor: object, **changes: object) -> Item:
    return {
        "uuid": _uuid(n),
        "type": "aapning",
        "registreringstidspunkt": instant_text(oslo(MONDAY, f"{8 + n // 60:02}:{n % 60:02}")),
        "kjennelsesdato": MONDAY.isoformat(),
        "debitor": debtor,
        "_links": {"self": {"href": f"/konkursvarsler/{_uuid(n)}"}},
        **changes,
    }


# Notices of customers, by the number that makes their uuid.
_IN_FULL, _LINKED, _CONTRADICTING, _FAILING, _MOVED, _A_PAGE, _NO_JSON = range(1, 8)


def items() -> list[object]:
    """Return the items of the service's list: readable and unreadable ones."""
    link = f"http://{fnr('the host of a link')}.example/{fnr('a link')}?{fnr('the query of a link')}"
    extra = {fnr("an unknown key of a notice"): NAME, "merknad": fnr("an unknown field of a notice"), NAME: EMAIL}
    return [
        _item(_IN_FULL, DEBTOR, **extra),
        _item(_LINKED, FIRM),
        _item(_CONTRADICTING, fnr("the debtor of a notice that its dataset contradicts")),
        _item(_FAILING, fnr("the debtor of a notice whose dataset fails")),
        _item(_MOVED, fnr("the debtor of a notice whose dataset has moved")),
        _item(_A_PAGE, fnr("the debtor of a notice whose dataset is a web page")),
        _item(_NO_JSON, fnr("the debtor of a notice whose dataset is no JSON")),
        _item(10, damaged_fnr("the debtor of a notice, failing its check")),
        _item(11, LOST_ZERO),
        _item(12, NAME),
        _item(13, misplaced_account("the debtor of a notice")),
        _item(14, {"identifikator": fnr("the debtor of a notice, an object")}),
        _item(15, orgnr("a customer whose notice has a number for its type"), type=fnr("the type of a notice")),
        _item(16, orgnr("a customer whose notice has a name for its type"), type=NAME),
        _item(17, fnr("the debtor of a notice without uuid"), uuid=fnr("the uuid of a notice")),
        _item(18, real_looking_orgnr("the debtor of a notice"), _links={"self": {"href": link}}),
        _item(19, fnr("the debtor of a notice without time"), registreringstidspunkt=fnr("the time of a notice")),
        _item(20, fnr("the debtor of a notice without date"), kjennelsesdato=fnr("the date of a notice")),
        _item(21, fnr("the debtor of a sletting"), type="sletting"),
        _item(22, FORMER),
        fnr("a notice that is text"),
        [fnr("a notice that is a list")],
    ]


def list_body(more: Item | None = None) -> str:
    """Return the answer with the list."""
    return json.dumps({"_embedded": {"konkursvarsler": items()}, "_links": {"self": {"href": "/"}}, **(more or {})})


def _document(n: int, debtor: str, **changes: object) -> SimulatedNotice:
    at = oslo(MONDAY, f"{8 + n // 60:02}:{n % 60:02}")
    bare = simulated_notice(uuid=_uuid(n), type="aapning", registered_at=at, debtor_id=debtor, ruling_date=MONDAY)
    text = json.dumps({**expanded_dataset(bare, f"/konkursvarsler/{_uuid(n)}"), **changes})
    return simulated_notice(
        uuid=_uuid(n), type="aapning", registered_at=at, debtor_id=debtor, ruling_date=MONDAY, dataset=text
    )


def documents() -> list[SimulatedNotice]:
    """Return the notices whose expanded datasets the service serves."""
    person = {
        "identifikator": DEBTOR,
        "navn": NAME,
        "adresse": {"adresselinjer": [NAME, EMAIL], "postnummer": fnr("a postal code"), "poststed": NAME},
    }
    units = [
        {"organisasjonsnummer": orgnr("a linked unit"), "navn": NAME, "organisasjonsform": "ENK"},
        {"organisasjonsnummer": fnr("a linked unit"), "navn": NAME, "organisasjonsform": fnr("a form of a unit")},
        {"organisasjonsnummer": None, "navn": NAME, NAME: fnr("an unknown field of a linked unit")},
    ]
    whole = {
        "debitor": person,
        "bostyrer": {"navn": NAME, "organisasjonsnummer": orgnr("a trustee"), "epost": EMAIL, "telefon": EMAIL},
        "tilknyttedeEnheter": units,
        "konkursgrunnlag": fnr("a code"),
        "avviklingskode": NAME,
        "rekvirent": {orgnr("a key of a dataset"): orgnr("an unknown field of a dataset"), "epost": EMAIL},
        fnr("a key at the top of a dataset"): {NAME: fnr("a field under a name")},
        "kjennelsesdato": fnr("the date of a dataset"),
    }
    return [
        _document(_IN_FULL, DEBTOR, **whole),
        _document(_LINKED, FIRM, **{NAME: {EMAIL: orgnr("a field under an address of e-mail")}}),
        _document(
            _CONTRADICTING,
            fnr("the debtor of a notice that its dataset contradicts"),
            debitor=fnr("the debtor of a dataset that contradicts"),
            type=NAME,
        ),
    ]


def dataset_faults() -> list[Fault]:
    """Return the faults with which the service answers for the other datasets."""
    answers: dict[int, dict[str, Any]] = {
        _FAILING: {
            "kind": "status",
            "status": 500,
            "body": json.dumps({"path": fnr("the body of a 500"), "message": NAME}),
            "headers": {"X-Trace": fnr("a header of a 500")},
        },
        _MOVED: {"kind": "redirect", "url": f"http://{fnr('the host moved to')}.example/{fnr('the place moved to')}"},
        _A_PAGE: {
            "kind": "status",
            "status": 200,
            "body": f"<html><title>{fnr('a web page')}</title>{NAME}</html>",
            "headers": {"Content-Type": "text/html"},
        },
        _NO_JSON: {"kind": "json_value", "body": f'{{"debitor": {fnr("what is no JSON")}x'},
    }
    return [Fault.model_validate({"resource": "dataset", "uuid": _uuid(n), **fault}) for n, fault in answers.items()]


def customers() -> list[tuple[str, str, str, str]]:
    """Return the bank's customers: the debtors of all notices, and some other people."""
    debtors = [item["debitor"] for item in items() if isinstance(item, dict) and isinstance(item["debitor"], str)]
    others = [orgnr("a linked unit"), fnr("a linked unit"), fnr("a customer without a bankruptcy")]
    known = [number for number in [*debtors, *others] if number not in (FORMER, NAME)]
    rows = [(f"K-{n:03}", number, "", NAME) for n, number in enumerate(known)]
    return [*rows, ("K-FORMER", fnr("a customer with a former number"), FORMER, NAME)]


def accounts() -> list[tuple[str, str, str, str]]:
    """Return an account of each customer, and one with wrong values in relation and is_blocked."""
    rows = [(account_no(f"canary of {ref}"), ref, "owner", "false") for ref, *_ in customers()]
    return [*rows, (account_no("odd"), "K-000", fnr("a relation"), NAME)]


def write_register(folder: Path) -> None:
    """Write the two files."""
    folder.mkdir(parents=True)
    (folder / "customers.csv").write_bytes(csv_bytes(CUSTOMER_COLUMNS, customers()))
    (folder / "accounts.csv").write_bytes(csv_bytes(ACCOUNT_COLUMNS, accounts()))


def damaged_registers() -> dict[str, bytes]:
    """Return damaged customers files by their damage."""
    first, *others = customers()
    headless = (fnr("the header of a register file"), NAME, EMAIL, "x")
    quoted = f'K-1,{fnr("a field of a register file that does not close")},,"{NAME}\n'.encode()
    swapped = [(number, ref, former, name) for ref, number, former, name in customers()]
    twice = [(ref, number, former, NAME) for ref, (_, number, former, _) in zip(["K-1"] * 9, customers(), strict=False)]
    return {
        "no header": csv_bytes(headless, others),
        "a quotation mark that does not close": csv_bytes(CUSTOMER_COLUMNS, [first]) + quoted,
        "too many fields": csv_bytes(CUSTOMER_COLUMNS, [first, (*first, fnr("a field too many"), NAME)]),
        "columns swapped": csv_bytes(CUSTOMER_COLUMNS, swapped),
        "references twice": csv_bytes(CUSTOMER_COLUMNS, twice),
        "numbers": csv_bytes(CUSTOMER_COLUMNS, [(r, f"{n}.0", f, NAME) for r, n, f, _ in customers()]),
    }


def write_receipts(folder: Path, good: dict[str, Any], name: str) -> None:
    """Write receipts: one is taken and has canaries in its codes, the others are set aside."""
    ids = [action["action_id"] for action in good.pop("rows")]
    codes = [{"action_id": one, "status": "REJECTED", "code": fnr("the code of an action"), "at": None} for one in ids]
    strangers = [{"action_id": fnr("an action_id"), "status": "APPLIED", "code": NAME, "at": None}]
    texts = {
        f"{name}.receipt.json": json.dumps(
            {**good, "code": fnr("the code of a receipt"), "actions": codes + strangers}
        ),
        "KONKURS_a.receipt.json": json.dumps({**good, "file_id": fnr("a file_id")}),
        "KONKURS_b.receipt.json": f'{{"file_id": "{fnr("a receipt that cannot be read")}", "{NAME}"',
        "KONKURS_c.receipt.json": json.dumps({**good, "sha256": fnr("a hash"), "actions": [{"status": NAME}]}),
        f"KONKURS_{fnr('the name of a receipt')}.receipt.json": json.dumps(good),
    }
    for file_name, text in texts.items():
        (folder / file_name).write_text(text, encoding="utf-8")
