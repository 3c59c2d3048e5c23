"""The figures of an import: its CPU time, the wait of other writers, and its disk space."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from scripts.bench import import_cost, ledgers
from scripts.bench.beside import counts_text
from scripts.bench.ledgers import Import
from scripts.bench.made_credits import import_file, made_credit, made_credits
from scripts.bench.report import Figure, at_least, at_most
from scripts.bench.workbench import Workbench

# Allowed CPU of everything except the insert, relative to parsing the rows.
PREPARING_FACTOR: Final = 1.5
# The CPU of one imported row at commit b3902b8, relative to a request of the bare route.
ROW_AT_B3902B8: Final = 1.7
FASTER_THAN_B3902B8: Final = 2.5
BYTES_OF_A_CREDIT_MAX: Final = 1_800
GUARDS_FACTOR: Final = 2


def import_figures(work: Workbench) -> list[Figure]:
    """Return the CPU of the first import on each database, and the wait of writers during a later one."""
    on_sqlite, on_postgresql = work.sqlite.imports[0], work.postgresql.imports[0]
    preparing = import_cost.preparing_seconds(import_file(made_credits(0, on_sqlite.rows)))
    copying = import_cost.copying_into_postgresql_seconds(
        work.postgresql.first_import,
        work.postgresql_server.migrated("copied"),
        work.postgresql_server.cpu_seconds,
    )
    bare = work.bare.cpu_seconds
    row = on_sqlite.cpu_seconds / on_sqlite.rows
    return [
        _beside_parts("import, CPU", on_sqlite, "executemany", work.guarded_insert_seconds, preparing),
        at_least(
            "import, rows for each CPU second",
            ROW_AT_B3902B8 * bare / row,
            FASTER_THAN_B3902B8,
            "times b3902b8",
            f"{1 / row:,.0f} rows; one takes the CPU of {row / bare:.2f} requests of the bare route",
        ),
        _beside_parts("import on PostgreSQL, CPU", on_postgresql, "COPY", copying, preparing),
        _wait_figure(work),
    ]


def storage_figures(work: Workbench) -> list[Figure]:
    """Return the database pages in use after the imports."""
    rows = sum(made.rows for made in work.sqlite.imports)
    details = f"{work.sqlite.size_bytes:,} bytes of pages in use after the import of {rows:,}"
    return [at_most("bytes of a credit", work.sqlite.size_bytes / rows, BYTES_OF_A_CREDIT_MAX, "", details)]


def guards_figures(work: Workbench) -> list[Figure]:
    """Compare inserts of the same rows with and without triggers and CHECKs."""
    guarded = work.guarded_insert_seconds
    unguarded = import_cost.inserting_into_sqlite_seconds(
        work.sqlite.first_import, work.empty_sqlite, is_guarded=False
    )
    details = (
        f"CPU {guarded:.2f} s with and {unguarded:.2f} s without, for {work.sqlite.imports[0].rows:,} credits"
    )
    return [at_most("guarded insert", guarded / unguarded, GUARDS_FACTOR, "times unguarded", details)]


def _beside_parts(name: str, made: Import, how: str, inserting: float, preparing: float) -> Figure:
    """Return an import's CPU, relative to that of the insert and of parsing the rows."""
    allowed = inserting + PREPARING_FACTOR * preparing
    details = (
        f"{made.rows:,} rows: CPU {made.cpu_seconds:.2f} s in {made.seconds:.1f} s; "
        f"{how} {inserting:.2f} s, parsing, ids and texts {preparing:.2f} s"
    )
    return at_most(name, made.cpu_seconds / allowed, 1, "of the parts", details)


def _wait_figure(work: Workbench) -> Figure:
    """Import more rows while a client records credits, and return the client's longest wait."""
    server, rows = work.sqlite.server, work.sqlite.imports[0].rows
    credits = made_credits(work.new_numbers(rows), rows)
    waits: list[float] = []
    statuses: Counter[int] = Counter()
    with ThreadPoolExecutor(1) as thread, server.client() as client:
        imported = thread.submit(ledgers.import_credits, server, credits)
        while not imported.done():
            answer = client.post("/records", made_credit(work.new_numbers(1)))
            waits.append(answer.seconds)
            statuses[answer.status] += 1
        made = imported.result()
    details = (
        f"of the {made.seconds:.1f} s that {rows:,} rows take; "
        f"{len(waits):,} creates meanwhile, {counts_text(statuses)}"
    )
    return Figure(
        "longest wait of a create during an import", f"{1000 * max(waits):,.0f} ms", details=details
    )
