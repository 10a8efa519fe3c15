"""Which faults the simulator can commit, and which one a request meets.

A fault has a matcher (resource, uuid, from which matching request on, how many times) and a kind. Parameters,
with what they mean for the kinds that take them:

| kind | answer | parameters |
|---|---|---|
| `status` | that status code | `status` (503), `headers`, `body` |
| `html` | 200 with a web page, as a proxy's login page | |
| `empty` | 200 without a byte | |
| `json_value` | 200 with `body` as it stands (`null`) | `body` |
| `truncated` | Content-Length of the whole body, half of it, closed | |
| `reset` | the connection is reset before any answer | |
| `slow` | the body in drips of 16 bytes, `delay_s` (0.5) apart | `delay_s` |
| `bomb` | gzip that unpacks to `size` bytes (100 000 000) | `size` |
| `oversize` | `size` bytes (100 000 000) of valid JSON, chunked, not compressed | `size` |
| `deep_nesting` | `size` (100 000) arrays in each other | `size` |
| `big_integer` | the regular answer with a number of `size` (5 000) digits in it | `size` |
| `nan` | the regular answer with a `NaN` in it | |
| `invalid_utf8` | the regular answer with a byte that is no UTF-8 in it | |
| `duplicate_keys` | the regular answer with a key twice, the last one saying something else | |
| `redirect` | 302 to `url`, another host | `url` |
| `foreign_href` | the regular answer with every address on `url`, another host | `url` |
| `paging` | lists of `size` (2) notices, with `_links.next` | `size` |
| `omit_embedded` | a list without `_embedded`, as if there were none | |

What does not belong here: the bytes of the answers (fault_answers.py), the file format (scenario.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Resource(StrEnum):
    """What a request asks for: both lists are `list`, all of Enhetsregisteret is `units`."""

    LIST = "list"
    DATASET = "dataset"
    ROOT = "root"
    UNITS = "units"
    ANY = "any"


class FaultKind(StrEnum):
    """How an answer is wrong; the module's docstring describes each."""

    STATUS = "status"
    HTML = "html"
    EMPTY = "empty"
    JSON_VALUE = "json_value"
    TRUNCATED = "truncated"
    RESET = "reset"
    SLOW = "slow"
    BOMB = "bomb"
    OVERSIZE = "oversize"
    DEEP_NESTING = "deep_nesting"
    BIG_INTEGER = "big_integer"
    NAN = "nan"
    INVALID_UTF8 = "invalid_utf8"
    DUPLICATE_KEYS = "duplicate_keys"
    REDIRECT = "redirect"
    FOREIGN_HREF = "foreign_href"
    PAGING = "paging"
    OMIT_EMBEDDED = "omit_embedded"


_MATCHER: Final = frozenset({"kind", "resource", "uuid", "from_request", "times"})
_PARAMETERS: Final[dict[FaultKind, frozenset[str]]] = {
    FaultKind.STATUS: frozenset({"status", "headers", "body"}),
    FaultKind.JSON_VALUE: frozenset({"body"}),
    FaultKind.SLOW: frozenset({"delay_s"}),
    FaultKind.BOMB: frozenset({"size"}),
    FaultKind.OVERSIZE: frozenset({"size"}),
    FaultKind.DEEP_NESTING: frozenset({"size"}),
    FaultKind.BIG_INTEGER: frozenset({"size"}),
    FaultKind.REDIRECT: frozenset({"url"}),
    FaultKind.FOREIGN_HREF: frozenset({"url"}),
    FaultKind.PAGING: frozenset({"size"}),
}
_DEFAULT_SIZES: Final = {
    FaultKind.BOMB: 100_000_000,
    FaultKind.OVERSIZE: 100_000_000,
    FaultKind.DEEP_NESTING: 100_000,
    FaultKind.BIG_INTEGER: 5_000,
    FaultKind.PAGING: 2,
}
_DEFAULT_BODIES: Final = {FaultKind.JSON_VALUE: "null"}
# Another name of this machine: a client that follows the link by mistake reaches no real host.
_OTHER_HOST: Final = "https://127.0.0.2:1"


class Fault(BaseModel):
    """One fault: what it strikes, and what the answer is instead."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    resource: Resource = Field(default=Resource.ANY, description="what is asked for: list, dataset, root, units or any")
    uuid: str | None = Field(default=None, description="only the dataset of this notice")
    from_request: Annotated[int, Field(ge=1)] = Field(
        default=1, description="from which matching request on, counted from 1"
    )
    times: Annotated[int, Field(ge=1)] | None = Field(default=None, description="how many times; always if not set")
    status: Annotated[int, Field(ge=200, le=599)] = 503
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    delay_s: Annotated[float, Field(ge=0, le=3600)] = 0.5
    size: Annotated[int, Field(ge=1, le=10_000_000_000)] = 1
    url: str = _OTHER_HOST

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: object) -> object:
        if not isinstance(given, dict) or given.get("kind") not in list(FaultKind):
            return given
        kind = FaultKind(given["kind"])
        misplaced = sorted(set(given) & set(cls.model_fields) - _MATCHER - _PARAMETERS.get(kind, frozenset()))
        if misplaced:
            message = f"a fault of kind {kind.value} takes no {', '.join(misplaced)}"
            raise ValueError(message)
        defaults: dict[str, object] = {}
        if kind in _DEFAULT_SIZES:
            defaults["size"] = _DEFAULT_SIZES[kind]
        if kind in _DEFAULT_BODIES:
            defaults["body"] = _DEFAULT_BODIES[kind]
        return {**defaults, **given}

    @model_validator(mode="after")
    def _strikes_something(self) -> Self:
        if self.uuid is not None and self.resource not in (Resource.DATASET, Resource.ANY):
            message = "a uuid matches datasets only: set resource to dataset"
            raise ValueError(message)
        if self.kind in (FaultKind.PAGING, FaultKind.OMIT_EMBEDDED) and self.resource not in (
            Resource.LIST,
            Resource.ANY,
        ):
            message = f"a fault of kind {self.kind.value} is about lists: set resource to list"
            raise ValueError(message)
        return self

    def matches(self, resource: Resource, uuid: str | None) -> bool:
        """Whether this fault counts a request for `resource` (for a dataset: that of notice `uuid`)."""
        is_kind = self.resource in (Resource.ANY, resource)
        return is_kind and (self.uuid is None or (resource is Resource.DATASET and self.uuid == uuid))

    def is_due(self, request_number: int) -> bool:
        """Whether the fault strikes its `request_number`-th matching request, counted from 1."""
        after = request_number - self.from_request
        return after >= 0 and (self.times is None or after < self.times)


class FaultBook:
    """The faults of one simulator, and how many requests each has matched."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.replace(faults)

    def replace(self, faults: Iterable[Fault]) -> None:
        """Forget all faults and their counts, and take these."""
        self._entries = [_CountedFault(fault) for fault in faults]

    def take(self, resource: Resource, uuid: str | None = None) -> Fault | None:
        """Count a request, and return the first fault that strikes it."""
        due = [entry.fault for entry in self._entries if entry.count(resource, uuid)]
        return due[0] if due else None


class _CountedFault:
    """A fault and its count."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._matched = 0

    def count(self, resource: Resource, uuid: str | None) -> bool:
        if not self.fault.matches(resource, uuid):
            return False
        self._matched += 1
        return self.fault.is_due(self._matched)
