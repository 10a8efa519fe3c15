"""Receipts that break the contract, each made from a good one; two readers could read some of them differently."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from tests.pipeline.kit import Bank
from tests.pipeline.test_receipts import AT, ids, receipt


def whole(bank: Bank, **changes: object) -> bytes:
    return json.dumps(receipt(bank, ["APPLIED", "APPLIED"], **changes)).encode()


def with_status_twice(bank: Bank) -> bytes:
    return whole(bank).replace(b'"status": "RECEIVED"', b'"status": "REJECTED", "status": "RECEIVED"')


def with_action_status_twice(bank: Bank) -> bytes:
    return whole(bank).replace(b'"status": "APPLIED"', b'"status": "REJECTED", "status": "APPLIED"', 1)


def with_a_member(member: bytes) -> Callable[[Bank], bytes]:
    return lambda bank: b"{" + member + b"," + whole(bank)[1:]


def with_action(**changes: object) -> Callable[[Bank], bytes]:
    """Return a receipt whose first action is good, and whose second has these changes."""

    def made(bank: Bank) -> bytes:
        good, other = ({"action_id": one, "status": "APPLIED", "code": None, "at": AT} for one in ids(bank))
        return whole(bank, actions=[good, {**other, **changes}])

    return made


def with_change(**changes: object) -> Callable[[Bank], bytes]:
    return lambda bank: whole(bank, **changes)


def without(key: str) -> Callable[[Bank], bytes]:
    return lambda bank: json.dumps({k: v for k, v in receipt(bank, ["APPLIED"]).items() if k != key}).encode()


UNREADABLE: Final[dict[str, Callable[[Bank], bytes]]] = {
    "status twice": with_status_twice,
    "an action's status twice": with_action_status_twice,
    "NaN": with_a_member(b'"x": NaN'),
    "Infinity": with_a_member(b'"x": -Infinity'),
    "an integer of 6 000 digits": with_a_member(b'"x": ' + b"9" * 6_000),
    "nesting of 100 000": with_a_member(b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
    "cut short": lambda bank: whole(bank)[:-7],
    "something after its end": lambda bank: whole(bank) + b"{}",
    "a byte order mark": lambda bank: b"\xef\xbb\xbf" + whole(bank),
    "UTF-16": lambda bank: whole(bank).decode().encode("utf-16"),
    "half a surrogate pair": with_change(code="\ud800"),
    "a list": lambda bank: b"[" + whole(bank) + b"]",
    "null": lambda _: b"null",
    "no schema": without("schema"),
    "no file_id": without("file_id"),
    "no sha256": without("sha256"),
    "no status": without("status"),
    "file_id of another type": with_change(file_id=1),
    "status of another type": with_change(status=["RECEIVED"]),
    "actions that are no list": with_change(actions={"x": 1}),
    "actions that are null": with_change(actions=None),
    "an action that is text": with_change(actions=["x"]),
    "an action_id of another type": with_action(action_id=7),
    "a code of another type": with_action(code=17),
    "a time without zone": with_action(at="2018-09-03T15:00:00"),
    "a time that is a date": with_action(at="2018-09-03"),
    "a time that is a number": with_action(at=1535986800),
    "a time that is a number in text": with_action(at="1535986800"),
    "a time that is none": with_action(at="2018-02-30T15:00:00Z"),
}
