"""The real server under load: gunicorn with the project's own settings, and the CPU that it takes."""

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

from scripts.environment import ROOT
from scripts.terminal import Refused

LEDGER: Final = "wsgi:app"
BARE_ROUTE: Final = "scripts.bench.bare_route:app"

STARTING_MAY_TAKE_S: Final = 60
STOPPING_MAY_TAKE_S: Final = 40
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name of the program, which may hold spaces and brackets.
_GROUP, _USER_TICKS, _SYSTEM_TICKS = 2, 11, 12


@dataclass(frozen=True)
class Server:
    """A running gunicorn with its workers, in a process group of its own."""

    process: subprocess.Popen[bytes]
    url: str

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server and its workers have taken so far."""
        ticks = 0
        for process in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = process.read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[_GROUP]) == self.process.pid:
                ticks += int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
        return ticks / _TICKS_A_SECOND


def environment(database_url: str | None) -> dict[str, str]:
    """Return the environment of a program of this project that works on this database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLASK_", "GUNICORN_"))}
    told = {} if database_url is None else {"DATABASE_URL": database_url}
    return {**kept, "SECRET_KEY": "of a ledger that is thrown away after the measurement", **told}


@contextmanager
def serving(folder: Path, app: str = LEDGER, database_url: str | None = None) -> Iterator[Server]:
    """Serve an application on a free port with two workers, and stop it at the end.

    Raises:
        Refused: it did not start, or its log shows a failure at the end.
    """
    log = folder / f"{app.replace(':', '.')}-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", app],
            cwd=ROOT,
            env={**environment(database_url), "WEB_CONCURRENCY": "2"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(process, _address(process, log))
        _stop(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = log.read_text(errors="replace")
    if process.returncode or re.search(r"Traceback|\[ERROR\]|\[CRITICAL\]", said):
        raise Refused(f"{app} failed while it was measured:\n{said}")


def flask(database_url: str, *arguments: str, stdin: str = "") -> str:
    """Run `flask …` on a database with this text as its standard input, and return what it printed.

    Raises:
        Refused: it failed, with its own reason.
    """
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=environment(database_url),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"flask {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the server prints once all of its workers are ready."""
    deadline = time.monotonic() + STARTING_MAY_TAKE_S
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if ready := re.search(r"Ready: open (http://\S+) ", said):
            return ready[1]
        if process.poll() is not None:
            raise Refused(f"The server ended at once:\n{said}")
        time.sleep(0.05)
    raise Refused(f"The server was not ready within {STARTING_MAY_TAKE_S} seconds.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPPING_MAY_TAKE_S)
    except subprocess.TimeoutExpired:
        raise Refused(f"The server did not stop within {STOPPING_MAY_TAKE_S} seconds.") from None
