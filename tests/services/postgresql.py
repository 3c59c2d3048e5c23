"""One throw-away PostgreSQL server for a whole test run, however many processes run the tests.

With pytest-xdist the controller starts it while the workers collect; without, the first test that
wants it does. Each test has its own database on it: making those is not done here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest

from scripts.machine import find_postgresql
from tests.services import keeper

FOLDER = "postgresql_folder"
WAITING_MAY_TAKE = keeper.STARTING_MAY_TAKE + 60
ON_DISK = "/tmp"  # noqa: S108 - the folder made in it has a name nobody can guess
ROOM = 4 * 1024**3  # what the server's own log and a few dozen small databases may come to
NO_SERVER = "EVERYTHING ON POSTGRESQL (NO SERVER BINARIES FOUND)"
LEFT_OUT = "EVERYTHING ON POSTGRESQL (--databases=sqlite)"


@dataclass(frozen=True)
class PostgresqlServer:
    """A server without password on a socket of its own. The user `postgres` may do everything."""

    folder: Path

    def url(self, database: str) -> str:
        """What SQLAlchemy and libpq alike take for one of its databases."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self.folder), safe='')}"

    @property
    def admin_url(self) -> str:
        """The database to be connected to while others are made and dropped."""
        return self.url("postgres")

    @property
    def pid(self) -> int:
        """The process whose children its backends are."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])


class Starter:
    """Starts the keeper at most once, and lets it go at the end.

    A durable server keeps its files on a disk and waits for it at each commit, as a real one does.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._is_durable = is_durable
        self._keeper: subprocess.Popen[bytes] | None = None
        self._folder = Path()

    def start(self, programs: Path) -> Path:
        if self._keeper is None:
            # Not in TMPDIR, which may be closed to the server's user, or too long for a socket's path.
            place = ON_DISK if self._is_durable else roomy_folder()
            self._folder = Path(tempfile.mkdtemp(prefix="ledger-pg-", dir=place))
            command = [sys.executable, keeper.__file__, str(programs), str(self._folder)]
            command += [keeper.DURABLE] if self._is_durable else []
            # A session of its own: Ctrl-C is for the tests, which still need their server to clean up.
            self._keeper = subprocess.Popen(
                command, stdin=subprocess.PIPE, start_new_session=True, cwd="/", env={**os.environ}
            )
        return self._folder

    def stop(self) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait()


class WorkerNode(Protocol):
    """What pytest-xdist's controller knows of a worker (it has no types of its own)."""

    config: pytest.Config
    workerinput: dict[str, Any]


def roomy_folder() -> str:
    """Return a folder in memory where there is enough, so that no test waits for a disk; else /tmp."""
    in_memory = Path("/dev/shm")  # noqa: S108 - the folder made in it has a name nobody can guess
    if os.access(in_memory, os.W_OK) and shutil.disk_usage(in_memory).free > ROOM:
        return str(in_memory)
    return ON_DISK


STARTER = pytest.StashKey[Starter]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases",
        choices=("all", "sqlite"),
        default="all",
        help="'sqlite' leaves out every test on PostgreSQL and starts no server",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTER] = Starter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests on PostgreSQL with ``--databases=sqlite``."""
    if config.getoption("databases") == "all":
        return
    left_out = [item for item in items if _is_on_postgresql(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _is_on_postgresql(item: pytest.Item) -> bool:
    """Return whether the test's parameters or fixtures name PostgreSQL."""
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params.values() if callspec else ()
    return "postgresql" in parameters or "postgresql_server" in getattr(item, "fixturenames", ())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Start PostgreSQL in the controller of pytest-xdist, and tell each worker where it is."""
    programs = find_postgresql() if node.config.getoption("databases") == "all" else None
    if programs is not None:
        node.workerinput[FOLDER] = str(node.config.stash[STARTER].start(programs))


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[STARTER].stop()


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> PostgresqlServer:
    if pytestconfig.getoption("databases") == "sqlite":
        pytest.skip(LEFT_OUT)
    programs = find_postgresql()
    if programs is None:
        pytest.skip(NO_SERVER)
    if hasattr(pytestconfig, "workerinput"):
        folder = Path(pytestconfig.workerinput[FOLDER])
    else:
        folder = pytestconfig.stash[STARTER].start(programs)
    return wait_for_server(folder)


def wait_for_server(folder: Path) -> PostgresqlServer:
    """Waits until the keeper has said how it went.

    Raises:
        RuntimeError: there is a server on this machine and it did not start. That is a failure, not
            a reason to go without.
    """
    deadline = time.monotonic() + WAITING_MAY_TAKE
    while time.monotonic() < deadline:
        try:
            state = json.loads((folder / keeper.STATE).read_text())
        except FileNotFoundError:
            time.sleep(0.05)
            continue
        if "error" in state:
            raise RuntimeError(f"PostgreSQL did not start: {state['error']}")
        return PostgresqlServer(folder)
    raise RuntimeError(f"PostgreSQL said nothing within {WAITING_MAY_TAKE} seconds")
