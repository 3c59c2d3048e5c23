"""A file that appears under its name only once it is whole and on the disk."""

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
    """Give an empty file beside `path`, which takes its name at the end.

    Only its owner can read it, as what a ledger holds is not everybody's. Where the block raises,
    nothing is left of it and `path` is as it was. Raises OSError: FileExistsError where there is
    something of this name, before the block or after it, unless it `replaces` that.
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
    """Bring a file, or the new name in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
