"""The figures of a run, by their names for `--only`.

docs/performance.md explains the figures and their targets.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from scripts.bench import ledgers, parts, plain_ledger, processes, workload
from scripts.bench.beside import Beside, counts_text
from scripts.bench.import_figures import guards_figures, import_figures, storage_figures
from scripts.bench.large_import import large_import_figures
from scripts.bench.made_credits import made_credits
from scripts.bench.report import Figure, at_least, at_most, load_details
from scripts.bench.server import LEDGER, PLAIN_LEDGER, flask
from scripts.bench.workbench import Workbench
from server.terminal import CommandError
from tests.fixtures.server import environment_for

MEGABYTE: Final = 1024 * 1024
LOG_CREATES: Final = 20_000
# Requests of each page before it is measured: each worker answers some of them.
_WARMING: Final = 10


def ratio(name: str, beside: Beside, least: float) -> Figure:
    """Return the figure of a rate, relative to the bare route."""
    return at_least(name, beside.rate_ratio, least, "of bare", load_details(beside))


def create_figures(work: Workbench) -> list[Figure]:
    return [
        ratio("create", work.create, 0.16),
        at_most("create, p99", work.create.measured.p99_ms, 60, "ms"),
    ]


def retire_figures(work: Workbench) -> list[Figure]:
    return [
        ratio("retire different credits", work.retire, 0.16),
        at_most("retire, p99", work.retire.measured.p99_ms, 60, "ms"),
    ]


def read_figures(work: Workbench) -> list[Figure]:
    return [ratio("GET /records/{id}", work.read, 0.35)]


def page_figures(work: Workbench) -> list[Figure]:
    """Return the CPU per page. Its rate means little, because wrk uses the same cores."""
    ledger = work.sqlite
    loads = {
        "page /credits": workload.page("/credits"),
        "page /": workload.page("/"),
        "page of a credit": workload.reads(ledger.ids, under="/credits"),
    }
    figures = []
    with ledger.server.client() as client:  # the first answers of a process load templates
        for path in ["/credits", "/", f"/credits/{ledger.ids[0]}"] * _WARMING:
            client.get(path)
            client.close()
    for name, sent in loads.items():
        beside = work.bare.beside(name, ledger.server, sent)
        figures.append(at_most(f"{name}, CPU", beside.cpu_ratio, 25, "times bare", load_details(beside)))
    return figures


def key_figures(work: Workbench) -> list[Figure]:
    server, others = work.sqlite.server, work.sqlite.ids[1::2]
    create = work.bare.beside("create with a key", server, work.creates(has_keys=True))
    retire = work.bare.beside("retire with a key", server, workload.retires(others, has_keys=True))
    return [
        _of_without("create with a key", create, work.create),
        _of_without("retire with a key", retire, work.retire),
    ]


def token_figures(work: Workbench) -> list[Figure]:
    """Measure on a copy with an account, because every request then needs a token."""
    url = ledgers.copy_sqlite(work.sqlite.database_url, work.folder / "with-account.sqlite3")
    token = ledgers.add_token(url)
    server = work.serve(LEDGER, url)
    create = work.bare.beside("create with a token", server, work.creates(token))
    read = work.bare.beside("read with a token", server, workload.reads(work.sqlite.ids, token))
    return [
        _of_without("create with a token", create, work.create),
        _of_without("read with a token", read, work.read),
    ]


def _of_without(name: str, beside: Beside, without: Beside) -> Figure:
    return at_least(name, beside.rate_ratio / without.rate_ratio, 0.8, "of without", load_details(beside))


def plain_figures(work: Workbench) -> list[Figure]:
    """Compare this program with the plain ledger."""
    url = ledgers.sqlite_url(work.folder / "plain.sqlite3")
    plain_ledger.fill(url, made_credits(0, work.credits))
    server = work.serve(PLAIN_LEDGER, url)
    ids = range(1, work.credits + 1)
    create = work.bare.beside("plain ledger: create", server, work.creates())
    read = work.bare.beside("plain ledger: read", server, workload.reads(ids))
    retire = work.bare.beside("plain ledger: retire", server, workload.retires(ids))
    pairs = [("create", work.create, create), ("read", work.read, read), ("retire", work.retire, retire)]
    return [
        at_least(
            f"{name}, beside the plain ledger",
            ours.rate_ratio / plain.rate_ratio,
            1,
            "times",
            f"plain ledger: {plain.rate_ratio:.3f} of bare, {load_details(plain)}",
        )
        for name, ours, plain in pairs
    ]


def postgresql_figures(work: Workbench) -> list[Figure]:
    ledger = work.postgresql
    create = work.bare.beside("create on PostgreSQL", ledger.server, work.creates())
    read = work.bare.beside("read on PostgreSQL", ledger.server, workload.reads(ledger.ids))
    return [
        ratio("create on PostgreSQL", create, 0.10),
        ratio("GET /records/{id} on PostgreSQL", read, 0.25),
    ]


def parts_figures(work: Workbench) -> list[Figure]:
    found = parts.retire_parts(work.sqlite.server, work.seconds)
    busy = found.first_answers[HTTPStatus.SERVICE_UNAVAILABLE]
    details = (
        f"{found.rounds} rounds, longest wait {1000 * found.longest_wait:,.0f} ms; "
        f"first answers {counts_text(found.first_answers)}; all {counts_text(found.all_answers)}"
    )
    return [at_most(f"{parts.CLIENTS} clients retire parts of one lot, 503", busy, 0, "", details)]


def verify_figures(work: Workbench) -> list[Figure]:
    """Measure `flask verify`, including its start."""
    started = time.monotonic()
    ended = flask(work.sqlite.database_url, "verify")
    seconds = time.monotonic() - started
    details = (
        f"{work.credits:,} credits and what this run recorded; CPU {ended.cpu_seconds:.1f} s, "
        f"at most {ended.peak_memory / MEGABYTE:,.0f} MB of memory"
    )
    return [Figure("flask verify", f"{seconds:.1f} s", details=details)]


def module_figures(work: Workbench) -> list[Figure]:
    command = [sys.executable, "-m", "scripts.bench.modules"]
    ended = processes.wait(processes.start(command, environment_for(work.sqlite.database_url)))
    if ended.exit_status:
        raise CommandError(f"Counting the modules failed:\n{ended.output}")
    counts: dict[str, int] = json.loads(ended.output.splitlines()[-1])
    text = ", ".join(f"{name} {number}" for name, number in counts.items())
    return [Figure("modules that a request enters", text)]


def log_figures(work: Workbench) -> list[Figure]:
    """Compare creates with nodes and checkpoints of the log with creates without both, in turns."""
    url = ledgers.copy_sqlite(work.sqlite.database_url, work.folder / "log-cost.sqlite3")
    command = [sys.executable, "-m", "scripts.bench.log_cost", str(LOG_CREATES)]
    ended = processes.wait(processes.start(command, environment_for(url)))
    if ended.exit_status:
        raise CommandError(f"Measuring the cost of the log's tree failed:\n{ended.output}")
    found: dict[str, float] = json.loads(ended.output.splitlines()[-1])
    details = (
        f"{LOG_CREATES:,} creates in turns: {found['with']:.1f} s with, {found['without']:.1f} s without; "
        f"CPU {found['cpu_ratio']:.3f} times without; {found['checkpoints']:,.0f} checkpoints"
    )
    return [
        at_least("create, signed log", found["without"] / found["with"], 0.95, "of without", details),
        at_most("bytes of an event in the log's tree", found["bytes"], 80, ""),
    ]


FIGURES: Final[Mapping[str, Callable[[Workbench], list[Figure]]]] = {
    "create": create_figures,
    "retire": retire_figures,
    "read": read_figures,
    "key": key_figures,
    "token": token_figures,
    "pages": page_figures,
    "plain": plain_figures,
    "parts": parts_figures,
    "import": import_figures,
    "large": large_import_figures,
    "storage": storage_figures,
    "guards": guards_figures,
    "postgresql": postgresql_figures,
    "verify": verify_figures,
    "modules": module_figures,
    "log": log_figures,
}
