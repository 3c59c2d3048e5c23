"""The PostgreSQL of a test run ends with it, and the run reports what it skipped."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.environment import ROOT
from tests.services.postgresql import PostgresqlServer

pytestmark = pytest.mark.slow

# Loading the other plugins takes most of the time of such a run.
OPTIONS = (
    "-p",
    "tests.services.not_run",
    *(f"-pno:{name}" for name in ("schemathesis", "hypothesispytest", "anyio")),
)
STARTS_A_SERVER = """
import sys, time
from scripts.machine import find_postgresql
from tests.services.postgresql import Starter, wait_for_server
folder = Starter().start(find_postgresql())
wait_for_server(folder)
print(folder, flush=True)
time.sleep(600)
"""


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
    answer = run_with_a_skip.runpytest_subprocess(*OPTIONS, f"-n{workers}")
    assert answer.outlines[-1] == "NOT RUN: EVERYTHING ON THE MOON (NO ROCKET): 2 TESTS"
    assert answer.ret == pytest.ExitCode.OK


def test_what_did_not_run_fails_the_run_of_ci(
    run_with_a_skip: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    answer = run_with_a_skip.runpytest_subprocess(*OPTIONS)
    assert answer.ret == pytest.ExitCode.TESTS_FAILED
