"""A PostgreSQL primary with a synchronous standby, each a server of its own from the installed binaries.

Both wait for their disks at each commit and listen on ports of this machine, as they would on two hosts.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.fixtures.server import eventually
from tests.services import keeper

STANDBY: Final = "standby"
_BACKUP_MAY_TAKE_S: Final = 120


@dataclass(frozen=True)
class Node:
    """One server, in a process group of its own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def conninfo(self) -> str:
        """How a superuser connects to it."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"

    def kill(self) -> None:
        """Kill it with all its processes at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Pair:
    """A primary and the standby that confirms each of its commits."""

    primary: Node
    standby: Node

    def url(self, database: str) -> str:
        """Return the DATABASE_URL that names both and asks for the one that can be written."""
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in (self.primary, self.standby))
        return f"postgresql://postgres@/{database}?{hosts}&target_session_attrs=read-write"

    def promote_standby(self) -> None:
        """Make the standby the primary, as the software that watches both does."""
        with psycopg.connect(self.standby.conninfo, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")


@contextmanager
def synchronous_pair(programs: Path) -> Iterator[Pair]:
    """Start both servers; stop them and remove their files at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-ha-", dir="/tmp"))
    nodes: list[Node] = []
    try:
        user = keeper.server_user()
        folder.chmod(0o700)
        if user:
            shutil.chown(folder, user)
        data = keeper.initialise(programs, folder, user)
        nodes.append(_launch(programs, data, user))
        copy = folder / STANDBY
        _copy(programs, nodes[0], copy, user)
        nodes.append(_launch(programs, copy, user))
        _require_confirmation(nodes[0])
        yield Pair(*nodes)
    finally:
        for node in nodes:
            if node.process.poll() is None:
                keeper.stop(node.process)
        shutil.rmtree(folder, ignore_errors=True)


def _launch(programs: Path, data: Path, user: str | None) -> Node:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    log = data.parent / f"{data.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(programs / "postgres"), "-D", str(data)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            cwd=data.parent,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=keeper.environment(data.parent),
            start_new_session=True,
        )
    keeper.wait_until_ready(process, data, log)
    return Node(port, process)


def _copy(programs: Path, primary: Node, target: Path, user: str | None) -> None:
    """Copy the primary into a folder, with the settings of its standby."""
    source = f"{primary.conninfo} application_name={STANDBY}"
    # Links to the programs may lead to some of them only.
    program = (programs / "postgres").resolve().with_name("pg_basebackup")
    command = [str(program), "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    subprocess.run(
        [*command, "--dbname", source, "--pgdata", str(target)],
        cwd=target.parent,
        user=user,
        check=True,
        capture_output=True,
        timeout=_BACKUP_MAY_TAKE_S,
        env=keeper.environment(target.parent),
    )


def _require_confirmation(primary: Node) -> None:
    """Let the primary acknowledge only what the standby has on its disk."""
    with psycopg.connect(primary.conninfo, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        connection.execute("ALTER SYSTEM SET synchronous_commit = 'on'")
        connection.execute("SELECT pg_reload_conf()")
        asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        eventually(lambda: connection.execute(asked).fetchall() == [(1,)], "the standby confirms commits")
