"""`python -m scripts.bench --only create,read --seconds 8`: measures, and prints one table."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from scripts import terminal
from scripts.bench import ledgers, workload
from scripts.bench.load import Load, Measured, require_wrk, run
from scripts.bench.server import BARE_ROUTE, Server, serving

NAMES = ["create", "retire", "read", "pages", "key", "token"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(NAMES))
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--credits", type=int, default=10_000)
    chosen = parser.parse_args()
    only = set(chosen.only.split(","))
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as name, tempfile.TemporaryDirectory() as other:
        folder = Path(name)
        ledger = ledgers.make(ledgers.sqlite_url(folder), folder, chosen.credits)
        copy = ledgers.copy_sqlite(ledger, Path(other) / "copy")
        with serving(folder, BARE_ROUTE) as bare, serving(folder, database_url=ledger.database_url) as server:
            bare_load = workload.page("/")
            run(bare, bare_load, 1)
            before = run(bare, bare_load, 2)
            print(
                f"bare route: {before.rate:,.0f}/s, p99 {before.p99_ms:.0f} ms, wrk {before.wrk_cores:.2f} cores",
                flush=True,
            )
            run(server, workload.page("/healthz"), 1)

            def measure(title: str, server: Server, load: Load) -> None:
                nonlocal before
                measured = run(server, load, chosen.seconds)
                after = run(bare, bare_load, 2)
                rate = (before.rate + after.rate) / 2
                cpu = (before.cpu_ms + after.cpu_ms) / 2
                before = after
                print(
                    f"{title:24} {measured.rate / rate:6.3f} of bare, {measured.rate:7.0f}/s (bare {rate:5.0f}), "
                    f"CPU {measured.cpu_ms / cpu:6.1f} x bare ({measured.cpu_ms:.2f} ms), p50 {measured.p50_ms:.0f} ms, p99 {measured.p99_ms:.0f} ms, "
                    f"{dict(measured.statuses)}, unanswered {measured.unanswered}{'' if measured.is_as_expected else '  VOID'}",
                    flush=True,
                )

            ids = list(workload.record_ids(server))
            half = len(ids) // 2
            fresh = 10_000_000
            most = 3_000 * chosen.seconds
            if "create" in only:
                measure("create", server, workload.creates(fresh, most))
            if "key" in only:
                measure("create with a key", server, workload.creates(2 * fresh, most, keys="create"))
            if "retire" in only:
                measure("retire", server, workload.retires(ids[:half]))
            if "key" in only:
                measure("retire with a key", server, workload.retires(ids[half:], keys="retire"))
            if "read" in only:
                measure("read", server, workload.reads(ids))
            if "pages" in only:
                measure("page /credits", server, workload.page("/credits"))
                measure("page /", server, workload.page("/"))
                measure("page of a credit", server, workload.reads(ids, prefix="/credits/"))
            if "token" in only:
                secret = workload.bearer(ledgers.add_token(copy))
                with serving(folder, database_url=copy.database_url) as second:
                    run(second, workload.page("/healthz"), 1)
                    measure("create with a token", second, workload.creates(fresh, most, secret))
                    measure("read with a token", second, workload.reads(ids, secret))


if __name__ == "__main__":
    terminal.run(main)
