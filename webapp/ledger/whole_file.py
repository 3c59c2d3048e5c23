"""A file that appears under its name only once it is whole and on the disk."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ONLY_OWNER: Final = stat.S_IRUSR | stat.S_IWUSR


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path`, which takes its name, and its place, at the end.

    Only its owner can read it, as what a ledger holds is not everybody's. Where the block raises,
    nothing is left of it and `path` is as it was. Raises OSError.
    """
    path = path.resolve()
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, ONLY_OWNER))
    try:
        yield aside
        _sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Bring a file, or the new name in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
