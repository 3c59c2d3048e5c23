"""The figures of a large ledger compared with a small one: `--scale 1000000`.

The large ledger is built by imports of 10,000 credits each, over HTTP.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import islice
from statistics import median
from typing import Final

from scripts.bench import ledgers, load, workload
from scripts.bench.beside import counts_text
from scripts.bench.ledgers import Import
from scripts.bench.made_credits import made_credit, made_retirement
from scripts.bench.report import Figure, at_most, load_details
from scripts.bench.scale_queries import (
    ROUNDS,
    answers_as_of,
    answers_now,
    get,
    small_numbers,
    time_all,
)
from scripts.bench.server import LEDGER, Server, flask, serving
from scripts.bench.workbench import Workbench
from server.terminal import CommandError
from tests.fixtures.server import Client

SMALL: Final = 1_000
IMPORTS_OF_SMALL: Final = 10
GROWTH_MAX: Final = 1.3
FIRST_PAGE_MS_MAX: Final = 50
VERIFY_S_MAX: Final = 120
READ_IDS: Final = 20_000
NOW_MS_MAX: Final = 50
AS_OF_MS_MAX: Final = 200
FOLLOWED_WITHIN_S: Final = 900
_MEGABYTE: Final = 1024 * 1024


def scale_figures(work: Workbench) -> list[Figure]:
    """Build both ledgers and return the figures of the large one."""
    small_url, _ = _built(work, "small", small_numbers(SMALL), SMALL // IMPORTS_OF_SMALL)
    large_url, imports = _built(work, "large", range(work.credits), ledgers.ROWS_OF_AN_IMPORT)
    figures = [
        _import_figure(imports),
        _size_figure(large_url, work.credits),
        _verify_figure(small_url, large_url),
    ]
    small, large = work.serve(LEDGER, small_url), work.serve(LEDGER, large_url)
    figures.append(Figure("start until the workers can answer", f"{large.start_seconds:.1f} s"))
    figures += _query_figures(work, small, large)
    figures += _answer_figures(work, large)
    figures += _load_figures(work, large)
    figures.append(_verify_under_load_figure(work, large_url, large))
    return figures


def _built(work: Workbench, name: str, numbers: Sequence[int], rows: int) -> tuple[str, list[Import]]:
    """Build a ledger of these generated credits; return its URL and its imports of `rows` rows each."""
    url = ledgers.migrate(ledgers.sqlite_url(work.folder / f"{name}.sqlite3"))
    imports: list[Import] = []
    with serving(work.folder, LEDGER, url) as server:
        for start in range(0, len(numbers), rows):
            credits = [
                {**made_credit(number), **made_retirement(number)} for number in numbers[start : start + rows]
            ]
            imports.append(ledgers.import_credits(server, credits))
            if len(imports) % 10 == 0:
                work.tell(f"Imported {start + len(credits):,} credits into the {name} ledger")
    return url, imports


def _import_figure(imports: list[Import]) -> Figure:
    """Return the CPU of the last imports, relative to the first ones."""
    tenth = max(1, len(imports) // 10)
    first, last = (
        median(made.cpu_seconds / made.rows for made in some) for some in (imports[:tenth], imports[-tenth:])
    )
    details = (
        f"CPU of a row {1000 * last:.2f} ms in the last tenth of the imports, {1000 * first:.2f} in the first"
    )
    return Figure("import, growth", f"{last / first:.2f} times", details=details)


def _size_figure(database_url: str, size: int) -> Figure:
    size_bytes = ledgers.size_of_sqlite(database_url)
    return Figure(
        "bytes of a credit", f"{size_bytes / size:,.0f}", details=f"{size_bytes / 1e9:.2f} GB in all"
    )


def _verify_figure(small_url: str, large_url: str) -> Figure:
    small = flask(small_url, "verify")
    started = time.monotonic()
    large = flask(large_url, "verify")
    seconds = time.monotonic() - started
    details = (
        f"CPU {large.cpu_seconds:.0f} s, at most {large.peak_memory / _MEGABYTE:,.0f} MB of memory; "
        f"of the small ledger {small.peak_memory / _MEGABYTE:,.0f} MB"
    )
    return at_most("flask verify", seconds, VERIFY_S_MAX, "s", details)


def _query_figures(work: Workbench, small: Server, large: Server) -> list[Figure]:
    figures = []
    slowest = 0.0
    for timed in time_all(small, large):
        work.tell(f"{timed.name}: {timed.ratio:.2f} times ({timed.details})")
        figures.append(at_most(timed.name, timed.ratio, GROWTH_MAX, "times", timed.details))
        if timed.name.startswith("search: "):
            slowest = max(slowest, timed.large_s)
    figures.append(at_most("slowest first page of a search", 1000 * slowest, FIRST_PAGE_MS_MAX, "ms"))
    return figures


def _answer_figures(work: Workbench, large: Server) -> list[Figure]:
    """Return the median time of answers to questions about the whole ledger, now and as of a day."""
    with large.client() as client:
        _wait_until_followed(client)
        figures = []
        for paths, most_ms in ((answers_now(), NOW_MS_MAX), (answers_as_of(), AS_OF_MS_MAX)):
            for name, path in paths.items():
                work.tell(f"Asking {ROUNDS} times for {path}")
                middle = median(_seconds(client, path) for _ in range(ROUNDS))
                figures.append(at_most(f"{name}, p50", 1000 * middle, most_ms, "ms"))
    return figures


def _wait_until_followed(client: Client) -> None:
    """Wait until what is kept by day includes the whole ledger."""
    until = time.monotonic() + FOLLOWED_WITHIN_S
    while client.get("/balances").status == HTTPStatus.SERVICE_UNAVAILABLE:
        if time.monotonic() > until:
            raise CommandError("The log was not followed in time.")
        time.sleep(1)


def _seconds(client: Client, path: str) -> float:
    started = time.perf_counter()
    get(client, path)
    return time.perf_counter() - started


def _load_figures(work: Workbench, large: Server) -> list[Figure]:
    ids = list(islice(workload.record_ids(large), READ_IDS))
    loads = {"create": work.creates(), "GET /records/{id}": workload.reads(ids)}
    measured = {name: work.bare.beside(name, large, sent) for name, sent in loads.items()}
    return [
        Figure(name, f"{beside.rate_ratio:.3f} of bare", details=load_details(beside))
        for name, beside in measured.items()
    ]


def _verify_under_load_figure(work: Workbench, database_url: str, server: Server) -> Figure:
    """16 clients create credits while `flask verify` runs. None should get a 503."""
    statuses: Counter[int] = Counter()
    p99_ms = 0.0
    started = time.monotonic()
    with ThreadPoolExecutor(1) as thread:
        verified = thread.submit(flask, database_url, "verify")
        while not verified.done():
            measured = load.run(server, work.creates(), work.seconds)
            statuses.update(measured.statuses)
            p99_ms = max(p99_ms, measured.p99_ms)
        verified.result()
    details = f"{time.monotonic() - started:.0f} s; p99 {p99_ms:,.0f} ms; {counts_text(statuses)}"
    busy = statuses[HTTPStatus.SERVICE_UNAVAILABLE]
    return at_most(f"503 to {load.CLIENTS} clients who create during flask verify", busy, 0, "", details)
