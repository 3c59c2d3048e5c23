"""Write a file atomically: it gets its name when it is complete and synced to the disk."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ONLY_OWNER: Final = stat.S_IRUSR | stat.S_IWUSR


@contextmanager
def atomic_file(path: Path, *, replaces: bool) -> Iterator[Path]:
    """Give the path of an empty temporary file, which is renamed to `path` at the end.

    Only its owner can read it. If the block raises, the file is removed and `path` is unchanged.
    Raises OSError; FileExistsError if `path` exists, before or after the block, unless `replaces` is true.
    """
    named, path = path, path.resolve()
    if not replaces:
        _require_free(named)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, ONLY_OWNER))
    try:
        yield aside
        _sync(aside)
        if not replaces:
            _require_free(named)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _sync(path.parent)


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _sync(path: Path) -> None:
    """Sync a file, or a directory with a renamed entry, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
