"""The floor: the least that could do a poll's work. Fetch the list, parse, join in DuckDB, write a file.

What it leaves out is what the product is for: evidence, quarantine, datasets, decisions, exactly once.
Usage: python bench/floor.py BASE_URL AFTER CUSTOMERS_PARQUET OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import httpx


def main() -> None:
    """Fetch, join, write."""
    base_url, after, customers, out = sys.argv[1:]
    listed = httpx.get(f"{base_url}/konkursvarsler/oppdatert/{after}", timeout=60).json()
    notices = listed.get("_embedded", {}).get("konkursvarsler", [])
    rows = [(notice["uuid"], notice["debitor"]) for notice in notices]
    found = duckdb.execute(
        "SELECT n.uuid, c.customer_ref FROM (SELECT unnest(?::VARCHAR[]) AS uuid, unnest(?::VARCHAR[]) AS debtor) n "
        "JOIN read_parquet(?) c ON c.national_id = n.debtor",
        [[uuid for uuid, _ in rows], [debtor for _, debtor in rows], customers],
    ).fetchall()
    lines = (json.dumps({"notice_uuid": uuid, "customer_ref": ref}) for uuid, ref in found)
    Path(out).write_text("\n".join(lines))


if __name__ == "__main__":
    main()
