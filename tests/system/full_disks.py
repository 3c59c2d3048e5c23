"""A disk that is really full: a small filesystem, or a limit to the size of the server's files."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from tests.fixtures.server import Server
from tests.system.faults import FILE_SIZE
from tests.system.write_lock import by_worker

KINDS: Final = ("a small filesystem", "files of limited size")
# What a small filesystem holds, and how much of it is left for a few dozen credits.
SIZE: Final = 24 * 1024**2
ROOM: Final = 512 * 1024
UNLIMITED: Final = -1


class Disk(Protocol):
    """Where the database of a server lies."""

    folder: Path

    def fill(self, server: Server) -> None:
        """Leave room for little more."""

    def free(self, server: Server) -> None:
        """Make room again."""


class SmallFilesystem:
    """A filesystem of its own, nearly all of it taken by another file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other_file = folder / "taken"

    def fill(self, _server: Server) -> None:
        used = sum(path.stat().st_size for path in self.folder.iterdir())
        self._other_file.write_bytes(bytes(SIZE - used - ROOM))

    def free(self, _server: Server) -> None:
        self._other_file.unlink()


class LimitedFiles:
    """A folder in which the server may not let a file grow: the system refuses it as an error of writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, server: Server) -> None:
        self._limit(server, max(path.stat().st_size for path in self.folder.iterdir()) + ROOM)

    def free(self, server: Server) -> None:
        self._limit(server, UNLIMITED)

    @staticmethod
    def _limit(server: Server, size: int) -> None:
        for (client,) in by_worker(server, 1):
            assert client.send("GET", "/healthz", headers={FILE_SIZE: str(size)}).status == 200


@contextmanager
def small_disk(kind: str, folder: Path) -> Iterator[Disk]:
    """Give a disk of one of KINDS. Where nothing may be mounted, it is one whose files are limited."""
    if kind == KINDS[0] and _mount(folder):
        try:
            yield SmallFilesystem(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
    else:
        yield LimitedFiles(folder)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
