"""Compares the links in answers (HAL) with the service's address. No link is ever followed.

A link that points elsewhere is a finding for a person. A finding names hosts, never a path or an identifier. What does
not belong here: which page comes next (`wire`), requests (`client`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from konkurs_pipeline.brreg.hosts import shown_host
from konkurs_pipeline.json_strict import JsonObject, JsonValue

_PLAIN_PATH: Final = re.compile(r"(?:/[a-z0-9-]+)+")
_ANOTHER: Final = "{}'s own link names another resource than its uuid; it is never followed"


def link_findings(document: JsonObject, uuid: str, base_url: str | None, *, whose: str) -> tuple[str, ...]:
    """Compare the links of a notice or its dataset (`whose`) with its uuid and, with `base_url`, the service's host.

    Returns one text for each finding.
    """
    own = [href for relation, href in _hrefs(document.get("_links")) if relation == "self"]
    findings = [finding for href in own for finding in _own_link(href, uuid, base_url, whose)]
    if base_url:
        findings += foreign_links(document.get("_links"), f"a link of {whose}", base_url, without="self")
    return tuple(dict.fromkeys(findings))


def foreign_links(links: JsonValue, name: str, base_url: str, *, without: str) -> tuple[str, ...]:
    """Return a finding for the first of `_links` that leaves the service's host; the relation `without` is left out."""
    others = (resolve(base_url, href) for relation, href in _hrefs(links) if relation != without)
    return _first(other_host(name, link, base_url) for link in others if link is not None)


def other_host(name: str, link: SplitResult, base_url: str) -> tuple[str, ...]:
    """Return a finding where `link` (`name` in the text) names another host than the service's."""
    ours = urlsplit(base_url).hostname
    if link.hostname == ours:
        return ()
    return (f"{name} names {shown_host(link.hostname)}, not the service's host {ours}; it is never followed",)


def resolve(base: str, href: str) -> SplitResult | None:
    """Return the parts of `href` as seen from `base`; null if it is no address."""
    try:
        return urlsplit(urljoin(base, href))
    except ValueError:
        return None


def _hrefs(links: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield relation and address; HAL allows one link or a list of them for each relation."""
    for relation, value in links.items() if isinstance(links, dict) else ():
        for link in value if isinstance(value, list) else [value]:
            href = link.get("href") if isinstance(link, dict) else None
            if isinstance(href, str):
                yield relation, href


def _own_link(href: str, uuid: str, base_url: str | None, whose: str) -> tuple[str, ...]:
    if base_url and href.startswith(base_url) and _PLAIN_PATH.fullmatch(rest := href[len(base_url) :]):
        # The documented form, which thousands of links have: the base URL followed by a path, so it is on the service's
        # host.
        return () if rest.endswith(f"/{uuid}") else (_ANOTHER.format(whose),)
    link = resolve(base_url or "", href)
    if link is None:
        return (f"{whose}'s own link cannot be read; it is never followed",)
    named = unquote(link.path).rstrip("/").rpartition("/")[2].lower()
    findings = other_host(f"{whose}'s own link", link, base_url) if base_url else ()
    if named != uuid:
        findings += (_ANOTHER.format(whose),)
    return findings


def _first(findings: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return next((finding for finding in findings if finding), ())
