"""The figures of a large import: its rate beside that of plain inserts, and the memory of its process.

The file is imported by `flask import`, which does in one process all that a serving process does.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from scripts.bench import import_cost, ledgers
from scripts.bench.made_credits import made_credits
from scripts.bench.report import Figure, at_least, at_most
from scripts.bench.server import flask
from scripts.bench.workbench import Workbench

# The rows of the file for each credit of the run, so that it is a large one.
ROWS_FOR_EACH_CREDIT: Final = 5
RATE_MIN: Final = 1 / 3
MEMORY_MB_MAX: Final = 250
_MEGABYTE: Final = 1024**2


def large_import_figures(work: Workbench) -> list[Figure]:
    """Import one large CSV file into an empty ledger, on SQLite, and insert the same rows by executemany."""
    rows = work.credits * ROWS_FOR_EACH_CREDIT
    file = work.folder / "large.csv"
    write_file(file, rows)
    url = ledgers.migrate(ledgers.sqlite_url(work.folder / "large-import.sqlite3"))
    work.tell(f"importing {rows:,} rows, first only planned")
    planned = flask(url, "import", "--dry-run", str(file))
    ended = flask(url, "import", str(file))
    inserting = import_cost.inserting_into_sqlite_seconds(url, work.empty_sqlite, is_guarded=True)
    recording = ended.cpu_seconds - planned.cpu_seconds
    details = (
        f"{rows:,} rows: CPU {ended.cpu_seconds:.1f} s, of it {planned.cpu_seconds:.1f} s to read and plan; "
        f"executemany {inserting:.1f} s"
    )
    return [
        at_least("large import, recording", inserting / recording, RATE_MIN, "of executemany", details),
        at_least("large import, all of it", inserting / ended.cpu_seconds, RATE_MIN, "of executemany"),
        at_most("large import, memory", ended.peak_memory / _MEGABYTE, MEMORY_MB_MAX, "MB"),
    ]


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of generated credits."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, credit in enumerate(made_credits(0, rows)):
            if not number:
                writer.writerow(credit)
            writer.writerow(credit.values())
