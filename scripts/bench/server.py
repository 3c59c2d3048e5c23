"""The measured server, gunicorn with the project's settings, and the project's commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench import processes
from scripts.environment import ROOT
from server.terminal import CommandError
from tests.fixtures.server import Client, environment_for

LEDGER: Final = "wsgi:app"
BARE_ROUTE: Final = "scripts.bench.bare_route:app"
PLAIN_LEDGER: Final = "scripts.bench.plain_ledger:create_app()"

WORKERS: Final = 2
STARTING_MAY_TAKE_S: Final = 60
STOPPING_MAY_TAKE_S: Final = 40
# The response to an import of 10,000 rows comes when it is recorded.
PATIENCE_S: Final = 600


@dataclass(frozen=True)
class Server:
    """A running gunicorn with its workers."""

    pid: int
    url: str
    # From the start of the process until its workers are ready.
    start_seconds: float

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client with its own connection."""
        client = Client(self.url, PATIENCE_S)
        try:
            yield client
        finally:
            client.close()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server and its workers so far."""
        return processes.cpu_seconds(self.pid)


@contextmanager
def serving(folder: Path, app: str, database_url: str = "") -> Iterator[Server]:
    """Serve an application on a free port with two workers.

    Raises:
        CommandError: the server did not start, or its log has an error.
    """
    started = time.monotonic()
    log = folder / f"gunicorn-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", app],
            cwd=ROOT,
            env=environment_for(database_url, WEB_CONCURRENCY=str(WORKERS)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _address(process, log)
        yield Server(process.pid, url, time.monotonic() - started)
        _stop(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    text = log.read_text(errors="replace")
    if process.returncode or re.search(r"Traceback|\[ERROR\]|\[CRITICAL\]", text):
        raise CommandError(f"{app} failed while it was measured:\n{text}")


def start_flask(database_url: str, *arguments: str, stdin: bytes = b"") -> subprocess.Popen[bytes]:
    """Start `flask …` on a database; `processes.wait` returns its output."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    return processes.start(command, environment_for(database_url), stdin)


def flask(database_url: str, *arguments: str, stdin: bytes = b"") -> processes.Ended:
    """Run `flask …` on a database and wait for its end.

    Raises:
        CommandError: the command failed, with its output.
    """
    ended = processes.wait(start_flask(database_url, *arguments, stdin=stdin))
    if ended.exit_status:
        raise CommandError(f"flask {' '.join(arguments)} failed:\n{ended.output}")
    return ended


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the URL that the server prints once all its workers are ready."""
    deadline = time.monotonic() + STARTING_MAY_TAKE_S
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if ready := re.search(r"Ready: open (http://\S+) ", said):
            return ready[1]
        if process.poll() is not None:
            raise CommandError(f"The server ended at once:\n{said}")
        time.sleep(0.01)
    raise CommandError(f"The server was not ready within {STARTING_MAY_TAKE_S} seconds.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPPING_MAY_TAKE_S)
    except subprocess.TimeoutExpired:
        raise CommandError(f"The server did not stop within {STOPPING_MAY_TAKE_S} seconds.") from None
