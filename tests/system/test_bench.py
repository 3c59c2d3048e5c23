"""The tools of `make bench`: what they count and compare, and the credits that they make."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from threading import Thread

import pytest

from scripts.bench import __main__ as bench
from scripts.bench import load, plain_ledger, processes, report
from scripts.bench.beside import BareRoute
from scripts.bench.load import Load, Measured, request
from scripts.bench.made_credits import PROJECTS, import_file, made_credit, made_credits
from scripts.bench.report import Figure, at_least, at_most
from scripts.bench.server import BARE_ROUTE, Server, serving
from scripts.bench.workload import creates, retires
from server.terminal import CommandError
from tests.imports.sources import meaning
from webapp.domain.serial_number import parse_block
from webapp.imports.readers.open_file import read_source

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="the load of make bench (wrk is not installed)"
)


def measured(
    *, statuses: dict[int, int] | None = None, server_cpu: float = 1.0, wrk_cpu: float = 0.1, late: int = 0
) -> Measured:
    """Return a load of one second, 1,000 answers unless given."""
    return Measured(HTTPStatus.OK, 1.0, statuses or {200: 1_000}, late, 10.0, 20.0, wrk_cpu, server_cpu)


# The credits


def test_a_made_credit_follows_from_its_number() -> None:
    assert made_credit(1) == {
        "project_name": "Improved Forest Management of the Yucatán Community",
        "registry": "gold-standard",
        "vintage": 2013,
        "quantity": 2572,
        "serial_number": "GS1-1-MX-GS717-16-2013-13111-1-2572",
    }
    assert list(made_credits(5_000, 3)) == [made_credit(number) for number in (5_000, 5_001, 5_002)]


def test_every_made_credit_is_one_that_the_ledger_records() -> None:
    rows = meaning(read_source(import_file(made_credits(0, 5_000))))
    assert [row.problems for row in rows if row.problems or row.unknown_fields] == []
    assert len({row.credit.id for row in rows if row.credit}) == 5_000


def test_the_block_of_a_made_credit_is_its_quantity() -> None:
    for credit in made_credits(999_000, 1_000):
        block = parse_block(credit["serial_number"])
        if credit["registry"] == "cercarbono":  # whose notation states no block
            assert block is None
        else:
            assert block is not None
            assert block.length == credit["quantity"]


def test_no_two_made_credits_hold_a_unit_in_common() -> None:
    blocks = [block for credit in made_credits(0, 50_000) if (block := parse_block(credit["serial_number"]))]
    blocks.sort(key=lambda block: (block.series, block.first))
    assert not [pair for pair in pairwise(blocks) if pair[0].overlaps(pair[1])]


def test_made_credits_are_of_many_projects_and_registries() -> None:
    credits = list(made_credits(0, PROJECTS))
    assert len({credit["project_name"] for credit in credits}) == PROJECTS
    assert len({credit["registry"] for credit in credits}) == 6
    assert any(not credit["project_name"].isascii() for credit in credits)


# The requests


def test_each_create_and_each_retirement_of_a_load_is_another_one() -> None:
    prepared = [*creates(0, 500, has_keys=True).requests, *retires(range(500), has_keys=True).requests]
    keys = {line for sent in prepared for line in sent.split(b"\r\n") if line.startswith(b"Idempotency-Key")}
    assert len(set(prepared)) == len(keys) == 1_000


class _Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def answering() -> Iterator[tuple[Server, list[str]]]:
    """Serve from this process; gives the server and the paths that it was asked for."""
    paths: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        server.paths = paths  # type: ignore[attr-defined]
        Thread(target=server.serve_forever).start()
        yield Server(os.getpid(), f"http://127.0.0.1:{server.server_port}", 0.0), paths
        server.shutdown()


@needs_wrk
def test_a_load_counts_the_answers_of_each_status() -> None:
    with answering() as (server, paths):
        sent = Load([request("GET", f"/{status}") for status in (200, 200, 409)])
        found = load.run(server, sent, 1, clients=2)
    assert set(found.statuses) == {200, 409}
    assert found.statuses[409] == pytest.approx(found.answers / 3, abs=2)
    assert found.answers == pytest.approx(len(paths), abs=2)  # of two clients, at the end
    assert not found.is_as_expected


@needs_wrk
def test_a_load_that_is_not_cyclic_sends_each_request_once_and_lasts_until_the_last_one() -> None:
    with answering() as (server, paths):
        sent = Load([request("GET", f"/200/{number}") for number in range(20)], is_cyclic=False)
        found = load.run(server, sent, 1, clients=1)
    # wrk asks for the first request before it sends any, and for one more at the end.
    assert [path for path in paths if path != "/200/19"] == [f"/200/{number}" for number in range(1, 19)]
    assert found.answers == pytest.approx(19, abs=1)
    assert found.seconds < 1


@needs_wrk
def test_a_load_without_an_answer_is_refused() -> None:
    with pytest.raises(CommandError, match=r"wrk failed|No request was answered"):
        load.run(Server(os.getpid(), "http://127.0.0.1:1", 0.0), Load([request("GET", "/")]), 1)


# The comparison


def test_each_second_of_a_load_is_compared_with_the_bare_route_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The figure is the median of the seconds, so one slow second of the machine does not make it."""
    runs = iter(
        [
            measured(),  # to warm up
            measured(statuses={200: 4_000}, server_cpu=1.0),
            measured(statuses={200: 500}, server_cpu=2.0),
            measured(statuses={200: 6_000}, server_cpu=1.0),
            measured(statuses={200: 10}, server_cpu=2.0),
            measured(statuses={200: 4_000}, server_cpu=1.0),
            measured(statuses={200: 600}, server_cpu=2.0),
            measured(statuses={200: 4_000}, server_cpu=1.0),
        ]
    )
    monkeypatch.setattr(load, "run", lambda *_arguments: next(runs))
    server = Server(0, "", 0.0)
    bare = BareRoute(server, 3, lambda _text: None)
    beside = bare.beside("read", server, Load([]))
    assert beside.rate_ratio == pytest.approx(500 / 5_000)
    assert beside.cpu_ratio == pytest.approx(4.0 / ((1 / 4 + 1 / 6) / 2))
    assert beside.measured.answers == 500 + 10 + 600
    assert bare.faults == []


def test_requests_that_can_be_sent_once_are_shared_among_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Load] = []

    def run(_server: Server, load: Load, *_arguments: object) -> Measured:
        sent.append(load)
        return measured()

    monkeypatch.setattr(load, "run", run)
    bare = BareRoute(Server(0, "", 0.0), 2, lambda _text: None)
    bare.beside("create", Server(0, "", 0.0), Load([b"1", b"2", b"3"], is_cyclic=False))
    assert [load.requests for load in sent if not load.is_cyclic] == [[b"1", b"3"], [b"2"]]


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (measured(wrk_cpu=0.4), "wrk took 0.40 cores"),
        (measured(statuses={200: 999, 503: 1}), "200: 999, 503: 1"),
        (measured(late=2), "unanswered: 2"),
    ],
)
def test_a_run_with_a_fault_at_the_bare_route_is_void(
    found: Measured, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "run", lambda *_arguments: found)
    bare = BareRoute(Server(0, "", 0.0), 1, lambda _text: None)
    assert [text for text in bare.faults if fault in text]


def test_a_load_with_an_unexpected_status_makes_the_run_void(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter([measured(), measured(), measured(statuses={200: 999, 500: 1}), measured()])
    monkeypatch.setattr(load, "run", lambda *_arguments: next(runs))
    bare = BareRoute(Server(0, "", 0.0), 1, lambda _text: None)
    bare.beside("read", Server(0, "", 0.0), Load([]))
    assert bare.faults == ["read: 200: 999, 500: 1 where only 200 was expected"]


def test_the_cpu_of_a_process_counts_its_children() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ntime.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        taken = processes.cpu_seconds(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
    assert taken >= 0.3


def test_a_process_that_has_ended_tells_its_output_its_cpu_and_its_memory() -> None:
    busy = "import time; data = b'1' * 50_000_000\nwhile time.process_time() < 0.2: pass\nprint(input())"
    process = processes.start([sys.executable, "-c", busy], os.environ, b"said\n")
    ended = processes.wait(process)
    assert (ended.exit_status, ended.output) == (0, "said\n")
    assert 0.2 <= ended.cpu_seconds < 10
    # A process begins as a copy of this one, and its peak is counted from there.
    own_peak = getrusage(RUSAGE_SELF).ru_maxrss * 1024
    assert 50_000_000 <= ended.peak_memory < 500_000_000 + own_peak


# The report


@pytest.mark.parametrize(
    ("figure", "cells"),
    [
        (
            at_least("create", 0.1341, 0.16, "of bare"),
            ("create", "0.134 of bare", "≥ 0.16 of bare", "missed"),
        ),
        (at_least("create", 0.16, 0.16), ("create", "0.16", "≥ 0.16", "met")),
        (at_most("p99", 60.04, 60, "ms"), ("p99", "60 ms", "≤ 60 ms", "missed")),
        (at_most("503", 0, 0), ("503", "0", "≤ 0", "met")),
        (Figure("modules", "12"), ("modules", "12", "", "")),
    ],
)
def test_a_figure_is_held_against_its_target(figure: Figure, cells: tuple[str, ...]) -> None:
    assert figure.cells[:4] == cells


def test_a_run_replaces_its_own_block_of_the_document() -> None:
    text = (
        "By hand.\n<!-- measured: run -->\nold\n<!-- end -->\n<!-- measured: scale -->\nkept\n<!-- end -->\n"
    )
    assert report.with_block(text, "run", "new \\1") == text.replace("old", "new \\1")
    with pytest.raises(CommandError, match="no block"):
        report.with_block("By hand.", "run", "new")


@pytest.mark.parametrize(
    ("given", "block"),
    [
        ([], "run"),
        (["--seconds", "10"], "run"),
        (["--only", "create,read"], None),
        (["--credits", "1000"], None),
        (["--scale", "1000000"], "scale"),
        (["--scale", "20000"], None),
    ],
)
def test_only_a_whole_run_is_written_into_the_document(given: list[str], block: str | None) -> None:
    assert bench.block_of(bench.arguments(given)) == block


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(CommandError, match="Unknown figure speed"):
        bench.arguments(["--only", "create,speed"])


def test_the_document_has_the_blocks_that_runs_write() -> None:
    text = report.DOCUMENT.read_text(encoding="utf-8")
    for name in ("run", "scale"):
        assert "a table" in report.with_block(text, name, "a table")


# What is compared with


def test_the_bare_route_is_served_by_the_same_settings(tmp_path: Path) -> None:
    with serving(tmp_path, BARE_ROUTE) as server, server.client() as client:
        answer = client.get("/")
    assert (answer.status, answer.body) == (200, b"constant\n")


def test_the_plain_ledger_keeps_a_serial_number_and_a_retirement_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/plain.sqlite3"
    plain_ledger.fill(url, [made_credit(0)])
    monkeypatch.setenv("DATABASE_URL", url)
    client = plain_ledger.create_app().test_client()
    made = client.post("/records", json=made_credit(1))
    assert (made.status_code, made.json) == (201, client.get("/records/2").json)
    assert client.post("/records", json=made_credit(1)).status_code == 409
    assert client.post("/records/1/retire", json={}).status_code == 200
    assert client.post("/records/1/retire", json={}).status_code == 409
