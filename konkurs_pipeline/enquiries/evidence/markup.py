"""HTML that cannot be broken by what stands in it: text is escaped, always; only `Html` made here is not.

A customer's reference, a code or a note comes from outside, and may look like markup. What belongs here: elements and
attributes. What does not: what a page says (evidence_page).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from konkurs_pipeline.domain.foreign_text import without_controls

_WITHOUT_CONTENT: Final = frozenset({"meta", "br"})


@dataclass(frozen=True)
class Html:
    """Markup that is safe to stand in a page."""

    text: str


Content = Html | str | None


def tag(name: str, *content: Content, **attributes: str) -> Html:
    """Return an element; content that is text is escaped, null is left out. `class_` is the attribute `class`."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"' for key, value in attributes.items())
    if name in _WITHOUT_CONTENT:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{''.join(_markup(each) for each in content)}</{name}>")


def joined(*content: Content) -> Html:
    """Return the parts one after the other."""
    return Html("".join(_markup(each) for each in content))


def lines(*content: Content) -> Html:
    """Return the parts, each on a line of its own; null is left out."""
    return joined(*(tag("div", each) for each in content if each is not None))


def code(text: str | None) -> Html:
    """Return an id, a hash or a command, in letters of one width; null: nothing."""
    return tag("code", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]], class_: str = "") -> Html:
    """Return a table with one row of headings, which every printed page repeats."""
    head = tag("thead", tag("tr", *(tag("th", each) for each in heads)))
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    return tag("table", head, body, class_=class_)


def stylesheet(css: str) -> Html:
    """Return a `style` element; `css` is the program's own, never text from outside."""
    return Html(f"<style>{css}</style>")


def _markup(content: Content) -> str:
    if content is None:
        return ""
    return content.text if isinstance(content, Html) else _escaped(content)


def _escaped(text: str) -> str:
    return escape(without_controls(text))
