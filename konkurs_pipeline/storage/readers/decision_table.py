"""Puts the tables of domain/actions/reasons into docs/decision-table.md, between their marks: `make docs` runs it.

Reads the page from stdin and writes it to stdout. What does not belong here: the words (domain/actions/reasons).
"""

from __future__ import annotations

import sys

from konkurs_pipeline.domain.actions.reasons import reason_tables


def with_tables(page: str) -> str:
    """Return the page with today's tables between `<!-- name -->` and `<!-- end of name -->`."""
    for name, table in reason_tables().items():
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        page = f"{before}<!-- {name} -->\n{table}{end}{after}"
    return page


if __name__ == "__main__":
    sys.stdout.write(with_tables(sys.stdin.read()))
