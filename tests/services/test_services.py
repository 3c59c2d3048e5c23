"""What the other tests rely on: a server that is there and goes away, and skips that are not hidden."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser

from scripts.environment import ROOT
from tests.services.postgresql import PostgresqlServer

STARTS_A_SERVER = """
import sys, time
from scripts.machine import find_postgresql
from tests.services.postgresql import Starter, wait_for_server
folder = Starter().start(find_postgresql())
wait_for_server(folder)
print(folder, flush=True)
time.sleep(600)
"""


def test_the_server_speaks_utf8_and_searches_by_trigram(postgresql_server: PostgresqlServer) -> None:
    with psycopg.connect(postgresql_server.admin_url, autocommit=True) as connection:
        encoding = connection.execute("SHOW server_encoding").fetchone()
        trigram = connection.execute(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        ).fetchone()
    assert encoding == ("UTF8",)
    assert trigram == (1,)


def test_a_killed_test_run_leaves_no_server_behind(postgresql_server: PostgresqlServer) -> None:
    assert postgresql_server.folder.is_dir()  # there is a server to be had on this machine
    run = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SERVER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    server = (folder / "data/postmaster.pid").read_text().split()[0]
    run.kill()
    run.communicate()
    deadline = time.monotonic() + 60
    while (folder.exists() or Path("/proc", server).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    assert not Path("/proc", server).exists()


def test_the_browser_shows_a_page(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content("<h1>Ledger</h1>")
        assert page.inner_text("h1") == "Ledger"


@pytest.fixture
def run_with_a_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_skipped(n):
            pytest.skip("everything on the moon (no rocket)")

        def test_passed():
            pass
    """)
    return pytester


@pytest.mark.parametrize("workers", [0, 1])
def test_the_last_line_says_what_did_not_run(run_with_a_skip: pytest.Pytester, workers: int) -> None:
    answer = run_with_a_skip.runpytest_subprocess("-p", "tests.services.not_run", f"-n{workers}")
    assert answer.outlines[-1] == "NOT RUN: EVERYTHING ON THE MOON (NO ROCKET): 2 TESTS"
    assert answer.ret == pytest.ExitCode.OK


def test_what_did_not_run_fails_the_run_of_ci(
    run_with_a_skip: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    answer = run_with_a_skip.runpytest_subprocess("-p", "tests.services.not_run")
    assert answer.ret == pytest.ExitCode.TESTS_FAILED
