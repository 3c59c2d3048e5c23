"""A process that keeps one PostgreSQL server for as long as the test run that started it lives.

Its standard input is a pipe from the test run. However the run ends (done, Ctrl-C, kill -9), the
pipe closes; then the keeper stops the server and removes its files. It tells how to reach the
server, or why there is none, in state.json in the folder that it is given. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

STATE = "state.json"
STARTING_MAY_TAKE = 60
STOPPING_MAY_TAKE = 20

# As a third argument: keep PostgreSQL's own settings, for who measures it.
DURABLE = "durable"
SETTINGS = {"listen_addresses": "", "max_connections": "200"}
# The tests' databases are thrown away, so nothing needs to survive a power cut.
SETTINGS_OF_TESTS = {
    **SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
# Sorted as people sort, on purpose: what the ledger sorts by code point must say so itself.
SORTED_FOR_PEOPLE = ["--locale-provider=icu", "--icu-locale=en-US"]


class DidNotStart(Exception):
    """The server did not come up; the text says why."""


class Terminated(BaseException):
    """Somebody asked the keeper to end before its test run did."""


def server_user() -> str | None:
    """The account to run the server as: PostgreSQL refuses root. None is the account that runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise DidNotStart("PostgreSQL refuses to run as root, and there is no account postgres or nobody")


def initialise(programs: Path, folder: Path, user: str | None) -> Path:
    """Makes an empty cluster, owned by a superuser `postgres` who needs no password."""
    data = folder / "data"
    plain = [str(programs / "initdb"), "--pgdata", str(data), "--username=postgres", "--auth=trust"]
    plain += ["--encoding=UTF8", "--locale=C", "--no-sync"]
    said = ""
    for command in ([*plain, *SORTED_FOR_PEOPLE], plain):  # the second for a server built without ICU
        done = subprocess.run(
            command,
            cwd=folder,
            user=user,
            capture_output=True,
            text=True,
            check=False,
            env=environment(folder),
        )
        if done.returncode == 0:
            return data
        said = done.stderr.strip()
    raise DidNotStart(f"initdb failed: {said}")


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C"}


def launch(
    programs: Path, folder: Path, user: str | None, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Starts the server, reachable over a socket in the folder alone, and waits until it answers."""
    data = initialise(programs, folder, user)
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log = folder / "postgresql.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(folder),
        )
    try:
        wait_until_ready(server, data, log)
    except BaseException:
        stop(server)
        raise
    return server


def wait_until_ready(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """The server writes `ready` as the eighth line of its pid file; pg_ctl waits for that too."""
    deadline = time.monotonic() + STARTING_MAY_TAKE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DidNotStart(f"the server ended: {log.read_text(errors='replace').strip()}")
        with contextlib.suppress(OSError):
            lines = (data / "postmaster.pid").read_text().split()
            if lines and lines[-1] == "ready":
                return
        time.sleep(0.05)
    raise DidNotStart(f"the server was not ready within {STARTING_MAY_TAKE} seconds")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGQUIT)  # at once, without writing out what is thrown away anyway
    try:
        server.wait(STOPPING_MAY_TAKE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def tell(folder: Path, state: dict[str, str]) -> None:
    new = folder / f"{STATE}.new"
    new.write_text(json.dumps(state))
    new.replace(folder / STATE)


def keep(programs: Path, folder: Path, settings: dict[str, str]) -> None:
    server = None
    try:
        user = server_user()
        if user is not None:
            shutil.chown(folder, user)
        server = launch(programs, folder, user, settings)
        tell(folder, {"folder": str(folder)})
    except (DidNotStart, OSError) as error:
        tell(folder, {"error": str(error)})
    try:
        sys.stdin.buffer.read()
    finally:
        if server is not None:
            stop(server)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def main() -> None:
    signal.signal(signal.SIGTERM, _terminate)
    programs, folder = Path(sys.argv[1]), Path(sys.argv[2])
    settings = SETTINGS if DURABLE in sys.argv[3:] else SETTINGS_OF_TESTS
    try:
        keep(programs, folder, settings)
    except Terminated:
        sys.exit(128 + signal.SIGTERM)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
