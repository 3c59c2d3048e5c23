"""Protect the files of a SQLite database: private permissions, and detection of replaced files.

SQLite opens a file by its path once. If the file is moved, removed or replaced after that, writes go to
the old file and are lost with the last connection, or are mixed into another file.
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

Inode = tuple[int, int]  # the device and inode numbers of a file
# Of the database, its write-ahead log (-wal) and the index of that (-shm). A new database has only the
# first of them until something is written.
Inodes = tuple[Inode | None, Inode | None, Inode | None]


class DatabaseFile:
    """The database file of one engine, and the inodes that its connections have open."""

    def __init__(self, path: Path) -> None:
        """Start without connections. `path` is the path in the database URL."""
        self._path = self._log = self._index = path
        self._opened: dict[sqlite3.Connection, Inodes] = {}
        self._lock = threading.Lock()

    @property
    def is_in_use(self) -> bool:
        """Whether a connection of this process has the file open."""
        return bool(self._opened)

    def make_private(self) -> None:
        """Create the file if it does not exist, and remove permissions of group and others.

        Called before SQLite opens the file, because -wal and -shm get its mode. If the mode cannot be
        changed, for example on a read-only disk, a warning is logged.
        """
        with suppress(OSError):  # it exists, or SQLite reports why it cannot be created
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, ONLY_OWNER))
        real = self._path.resolve()  # SQLite names -wal and -shm after the target of a symbolic link
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
        """Remember the inodes of a new connection. Returns whether all connections have the same."""
        with self._lock:
            self._opened[connection] = found = self._now()
            return all(_agree(opened, found) for opened in self._opened.values())

    def remove(self, connection: sqlite3.Connection) -> None:
        """Forget a connection that is closed."""
        with self._lock:
            self._opened.pop(connection, None)

    def is_still(self, connection: sqlite3.Connection) -> bool:
        """Return whether the paths still lead to the files that the connection has open."""
        now = self._now()
        with self._lock:
            database, log, index = self._opened[connection]
            # The -wal and -shm may not have existed when the connection was opened.
            self._opened[connection] = opened = (database, log or now[1], index or now[2])
        return opened == now

    def _now(self) -> Inodes:
        """Return the inodes that the paths lead to now."""
        return _inode(self._path), _inode(self._log), _inode(self._index)


def _agree(opened: Inodes, found: Inodes) -> bool:
    return all(one in {None, other} for one, other in zip(opened, found, strict=True))


def _inode(path: Path) -> Inode | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
