"""A plain script as a programmer would write it first: httpx, polars, DuckDB; fetch, match, keep, write, fsync, rename.

It has a schema for its frames and a database of known notices. It has nothing of what the product is for.

    python -m bench.plain URL AFTER SNAPSHOT_FOLDER OUT_FOLDER

Prints one JSON object: the seconds after its imports, and how many rows it found.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx
import polars as pl

_SCHEMA = {"uuid": pl.String, "type": pl.String, "registreringstidspunkt": pl.String, "debitor": pl.String}
_KEPT = (
    "CREATE TABLE IF NOT EXISTS notices (uuid VARCHAR PRIMARY KEY, type VARCHAR, registered VARCHAR, debtor VARCHAR)"
)


def main() -> None:
    """Do the work and print its time."""
    url, after, snapshot, out = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    found = poll(url, after, Path(snapshot), Path(out))
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    sys.stdout.write(json.dumps({**took, **found}) + "\n")


def poll(url: str, after: str, snapshot: Path, out: Path) -> dict[str, int]:
    """Do the work; return the counts of notices, datasets and actions."""
    out.mkdir(parents=True, exist_ok=True)
    with httpx.Client(timeout=60) as http:
        listed = http.get(f"{url}/konkursvarsler/oppdatert/{after}").raise_for_status().json()
        items = listed.get("_embedded", {}).get("konkursvarsler", [])
        notices = pl.DataFrame(items, schema=_SCHEMA)
        matches = match(notices, snapshot)
        wanted = matches["uuid"].unique().to_list()
        datasets = [http.get(f"{url}/konkursvarsler/{uuid}").raise_for_status().json() for uuid in wanted]
    remember(out / "notices.duckdb", notices)
    (out / "datasets.jsonl").write_text("".join(json.dumps(dataset) + "\n" for dataset in datasets))
    actions = matches.select(pl.lit("BLOCK").alias("action"), "customer_ref", "account_no", "uuid", "type")
    write(out / "actions.jsonl", actions.write_ndjson().encode())
    write(out / "actions.csv", actions.write_csv(separator=";", quote_style="always").encode())
    return {"notices": notices.height, "datasets": len(datasets), "actions": actions.height}


def match(notices: pl.DataFrame, snapshot: Path) -> pl.DataFrame:
    """Return a row for each account of a customer that a notice is about."""
    customers = pl.scan_parquet(snapshot / "identifiers.parquet").filter(
        pl.col("national_id").is_in(notices["debitor"].implode())
    )
    found = notices.lazy().join(customers, left_on="debitor", right_on="national_id").collect()
    accounts = pl.scan_parquet(snapshot / "accounts.parquet").filter(
        pl.col("customer_ref").is_in(found["customer_ref"].implode())
    )
    return found.lazy().join(accounts, on="customer_ref").collect()


def remember(path: Path, notices: pl.DataFrame) -> None:
    """Add the notices that are new to a database."""
    rows: list[tuple[Any, ...]] = notices.rows()
    with duckdb.connect(str(path)) as con:
        con.execute(_KEPT)
        con.executemany("INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?)", rows)


def write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, rename it."""
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


if __name__ == "__main__":
    main()
