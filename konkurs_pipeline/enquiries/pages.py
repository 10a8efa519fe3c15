"""HTML pages, made from the templates beside this module. Each is one file: it has no script and loads nothing.

Jinja2 escapes every value, and control characters become U+FFFD: a customer's reference, a code or a note comes from
outside and may look like markup. What does not belong here: what a page says (its template and its facts).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from konkurs_pipeline.domain.foreign_text import without_controls
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.enquiries.times import oslo_text, span_text

_FILTERS: Final = {"oslo": oslo_text, "utc": instant_text, "span": span_text}


def render(template: str, **values: object) -> str:
    """Return the page. Raises `jinja2.UndefinedError` if the template asks for a value that was not given."""
    return _environment().get_template(template).render(**values) + "\n"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("konkurs_pipeline.enquiries"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    return made


def _harmless(value: object) -> object:
    """Return a template's own markup as it is, an empty text for null, and any other value as text to be escaped."""
    if hasattr(value, "__html__"):
        return value
    return "" if value is None else without_controls(str(value))
