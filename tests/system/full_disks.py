"""A disk that is full: a small filesystem, or a limit on the size of the server's files."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from tests.fixtures.server import Server
from tests.system.faults import FILE_SIZE
from tests.system.write_lock import by_worker

KINDS: Final = ("a small filesystem", "files of limited size")
# The size of the filesystem, and the free space that is left, enough for a few dozen credits. Bytes.
SIZE: Final = 24 * 1024**2
ROOM: Final = 512 * 1024
UNLIMITED: Final = -1


class Disk(Protocol):
    """A folder for the database of a server, on a disk that can be filled."""

    folder: Path

    def fill(self, server: Server) -> None:
        """Take all of the space but ROOM."""

    def free(self, server: Server) -> None:
        """Give the space back."""


class SmallFilesystem:
    """A separate filesystem, filled by another file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other_file = folder / "taken"

    def fill(self, _server: Server) -> None:
        used = sum(path.stat().st_size for path in self.folder.iterdir())
        self._other_file.write_bytes(bytes(SIZE - used - ROOM))

    def free(self, _server: Server) -> None:
        self._other_file.unlink()


class LimitedFiles:
    """A folder in which the server's files must not grow: the system fails the write."""

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
    """Provide a disk of one of KINDS; one with limited files where mounting is not permitted."""
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
