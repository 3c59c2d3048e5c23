"""Metrics of a real server, whose processes count separately."""

import os
import re
import signal
from pathlib import Path

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import NOT_PRELOADED, Client, Serve, Server, eventually

HEALTHZ = 'endpoint="api_health.check_health",method="GET",status="2xx"'


def value(client: Client, name: str) -> float:
    """Return the value of a sample, 0 where there is none."""
    text = client.get("/metrics").body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


def metrics_directories(server: Server) -> list[Path]:
    """Return the directories that the arbiter has open and locked."""
    targets = [link.readlink() for link in Path(f"/proc/{server.process.pid}/fd").iterdir()]
    return [target for target in targets if target.name.startswith("ledger-metrics-")]


def ask_all_workers(server: Server) -> int:
    """Ask until every worker has answered; return the number of requests to /healthz so far.

    The client counts them: the access log is written after the answer, so it may still lack the last one.
    """
    asked = 1  # the one of `wait_until_ready`

    def all_answered() -> bool:
        nonlocal asked
        asked += 1
        server.client().get("/healthz")
        return {pid for pid, *_ in server.answered()} >= set(server.workers())

    eventually(all_answered, "every worker has answered")
    return asked


def test_a_scrape_has_the_requests_of_all_processes(serve: Serve, make_database: MakeDatabase) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED)
    asked = ask_all_workers(server)
    assert value(server.client(), f"ledger_request_seconds_count{{{HEALTHZ}}}") == asked


def test_counts_stay_and_gauges_go_when_a_worker_dies(serve: Serve, make_database: MakeDatabase) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED)
    server.expects_kills = True
    for number in range(20):
        assert server.client().post("/records", a_credit(serial_number=f"N-{number}")).status == 201
    asked = ask_all_workers(server)
    before = set(server.workers())
    victim = before.copy().pop()
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in server.workers() and len(server.workers()) == 2, "another worker runs")
    client = server.client()
    assert value(client, f"ledger_request_seconds_count{{{HEALTHZ}}}") == asked
    assert value(client, "ledger_write_group_size_sum") >= 20
    [directory] = metrics_directories(server)
    assert [
        name.name for name in directory.iterdir() if str(victim) in name.name and "gauge" in name.name
    ] == []


def test_a_server_that_stops_leaves_no_directory(serve: Serve, make_database: MakeDatabase) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED)
    [directory] = metrics_directories(server)
    assert directory.stat().st_mode & 0o077 == 0
    server.stop()
    assert not directory.exists()
