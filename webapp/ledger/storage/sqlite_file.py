"""The files of a SQLite database: readable by their owner alone, and the same ones while they are in use.

SQLite opens a file by its name once and works on whatever it opened, whoever moves, removes or replaces
that name afterwards. What is written then is lost with the last connection, or mixed into another file.
"""

import logging
import os
import sqlite3
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from webapp.ledger.storage.atomic_file import ONLY_OWNER

_log: Final = logging.getLogger(__name__)

_OF_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

Inode = tuple[int, int]  # the device, and the number of the file on it
# The database, its write-ahead log (-wal) and the index of that (-shm). In a new database there is only
# the first until something is written.
Inodes = tuple[Inode | None, Inode | None, Inode | None]


class DatabaseFile:
    """The file that all connections of one engine work on, and which file that is by now."""

    def __init__(self, path: Path) -> None:
        """Take the path as the address of the database states it."""
        self._path = self._log = self._index = path
        self._opened: dict[sqlite3.Connection, Inodes] = {}
        self._lock = threading.Lock()

    @property
    def is_in_use(self) -> bool:
        """Say whether a connection of this process has it open."""
        return bool(self._opened)

    def make_private(self) -> None:
        """Make the file if it is not there, and take it from everybody but its owner, the log beside it too.

        To be called before SQLite opens it: that gives the -wal and the -shm the mode of the file. Where it
        may not be done, such as on a disk that cannot be written to, a warning says so.
        """
        with suppress(OSError):  # it is there, or SQLite says why it cannot be made
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, ONLY_OWNER))
        real = self._path.resolve()  # SQLite names the others after the file that a link leads to
        self._log, self._index = real.with_name(f"{real.name}-wal"), real.with_name(f"{real.name}-shm")
        for path in (real, self._log, self._index):
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
                if mode & _OF_OTHERS:
                    path.chmod(mode & ~_OF_OTHERS)
            except FileNotFoundError:
                continue
            except OSError as error:
                _log.warning("Others can read %s: %s", path.name, error.strerror)

    def add(self, connection: sqlite3.Connection) -> bool:
        """Remember what a new connection has open. Returns whether all others have the same."""
        with self._lock:
            self._opened[connection] = found = self._now()
            return all(_agree(opened, found) for opened in self._opened.values())

    def remove(self, connection: sqlite3.Connection) -> None:
        """Forget a connection that is closed."""
        with self._lock:
            self._opened.pop(connection, None)

    def is_still(self, connection: sqlite3.Connection) -> bool:
        """Say whether the names still lead to what the connection has open."""
        now = self._now()
        with self._lock:
            database, log, index = self._opened[connection]
            # What was not there yet when it was opened is there now.
            self._opened[connection] = opened = (database, log or now[1], index or now[2])
        return opened == now

    def _now(self) -> Inodes:
        """Return what SQLite would open by the names now."""
        return _inode(self._path), _inode(self._log), _inode(self._index)


def _agree(opened: Inodes, found: Inodes) -> bool:
    return all(one in {None, other} for one, other in zip(opened, found, strict=True))


def _inode(path: Path) -> Inode | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
