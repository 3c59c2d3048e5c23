"""The directory in which prometheus-client keeps the metrics of the serving processes, a file for each.

Each start of the server has a directory of its own, in memory where that is possible. It is locked for as
long as a process of that start lives, and directories that are not locked any more are removed: those of
servers that were killed.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

# The name under which prometheus-client looks for it. It must be set before the program is loaded.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory in it has a name that nobody can guess


@functools.cache  # once per run of the server, also after it reloads its settings
def make() -> Path:
    """Make an empty directory for this server, which its owner alone can read, and set VARIABLE."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    prefix = f"ledger-metrics-{os.getuid()}-"
    remove_unused(place, prefix)
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    # Workers inherit the descriptor, and with it the lock, until they end.
    _lock(os.open(directory, os.O_RDONLY | os.O_CLOEXEC))
    os.environ[VARIABLE] = str(directory)
    return directory


def remove() -> None:
    """Remove the directory of this server."""
    shutil.rmtree(make(), ignore_errors=True)


def remove_unused(place: Path, prefix: str) -> None:
    """Remove the directories with this prefix that no process has locked."""
    for directory in place.glob(f"{prefix}*"):
        with suppress(OSError):
            descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _lock(descriptor)
                shutil.rmtree(directory)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open directory. Raises BlockingIOError where another process has locked it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
