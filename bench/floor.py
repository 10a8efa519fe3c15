"""The floor: the smallest script that does the work of a poll or a backfill.

1. It fetches and parses the list, and joins it in DuckDB with the register's Parquet file, which is sorted by identifier.
2. It fetches the datasets of matches (`matched`); in a backfill those of people too (`matched_or_person`).
3. It writes notices and datasets to one Parquet file each, and the outbox file with CSV and manifest, synced and renamed.

It leaves out what the product is for: evidence, quarantine, state, exactly-once decisions and the verification of files.

    python -m bench.floor URL AFTER SNAPSHOT_FOLDER OUT_FOLDER matched|matched_or_person

Prints one JSON object: the seconds after its imports, and how many rows it found.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import httpx

_PERSON_LENGTH = 11
_JOIN = """
    SELECT n.uuid, a.account_no, i.customer_ref
    FROM (SELECT unnest(?::VARCHAR[]) AS uuid, unnest(?::VARCHAR[]) AS debtor) n
    JOIN read_parquet(?) i ON i.national_id = n.debtor
    JOIN read_parquet(?) a ON a.customer_ref = i.customer_ref
"""


def main() -> None:
    """Do the work and print its time."""
    url, after, snapshot, out, whose = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    found = poll(url, after, Path(snapshot), Path(out), whose)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    sys.stdout.write(json.dumps({**took, **found}) + "\n")


def poll(url: str, after: str, snapshot: Path, out: Path, whose: str) -> dict[str, int]:
    """Do the work; return the counts of notices, datasets and actions."""
    with httpx.Client(timeout=300) as http:
        listed = http.get(f"{url}/konkursvarsler/oppdatert/{after}").json()
        notices = listed.get("_embedded", {}).get("konkursvarsler", [])
        rows = match(notices, snapshot)
        wanted = {uuid for uuid, _, _ in rows}
        if whose == "matched_or_person":
            wanted |= {notice["uuid"] for notice in notices if len(notice["debitor"]) == _PERSON_LENGTH}
        with ThreadPoolExecutor(8) as pool:
            datasets = list(pool.map(lambda uuid: http.get(f"{url}/konkursvarsler/{uuid}").text, sorted(wanted)))
    out.mkdir(parents=True, exist_ok=True)
    keep(out / "notices.parquet", [json.dumps(notice) for notice in notices])
    keep(out / "datasets.parquet", datasets)
    write_outbox(out, rows, {notice["uuid"]: notice for notice in notices})
    return {"notices": len(notices), "datasets": len(datasets), "actions": len(rows)}


def match(notices: list[dict[str, Any]], snapshot: Path) -> list[tuple[str, str, str]]:
    """Return notice, account and customer of each match."""
    given: list[object] = [[notice["uuid"] for notice in notices], [notice["debitor"] for notice in notices]]
    return duckdb.execute(
        _JOIN, [*given, str(snapshot / "identifiers.parquet"), str(snapshot / "accounts.parquet")]
    ).fetchall()


def keep(path: Path, payloads: list[str]) -> None:
    """Write payloads as one Parquet file."""
    aside = path.with_suffix(".tmp")
    duckdb.execute(f"COPY (SELECT unnest(?::VARCHAR[]) AS payload) TO '{aside}' (FORMAT parquet)", [payloads])
    show(aside, path)


def write_outbox(out: Path, rows: list[tuple[str, str, str]], notices: dict[str, dict[str, Any]]) -> None:
    """Write the actions as the outbox has them: .jsonl, .csv, and the manifest last."""
    actions = [
        {"record": "A", "n": n, "action": "BLOCK", "customer_ref": ref, "account_no": account, "notice_uuid": uuid}
        | {"registered_at": notices[uuid]["registreringstidspunkt"]}
        for n, (uuid, account, ref) in enumerate(sorted(rows), start=1)
    ]
    jsonl = "".join(json.dumps(action) + "\n" for action in actions).encode()
    table = io.StringIO()
    writer = csv.writer(table, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows(action.values() for action in actions)
    files = {"actions.jsonl": jsonl, "actions.csv": table.getvalue().encode()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for name, content in {**files, "actions.manifest.json": json.dumps(hashes).encode()}.items():
        aside = out / f".{name}.tmp"
        aside.write_bytes(content)
        show(aside, out / name)


def show(aside: Path, path: Path) -> None:
    """Sync a file, rename it, and sync the folder."""
    for step in (lambda: sync(aside), lambda: aside.replace(path), lambda: sync(path.parent)):
        step()


def sync(path: Path) -> None:
    """Sync a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
