"""The file that keeps the key for sessions and forms, where no SECRET_KEY is set: made, read, rotated.

A key on each line: the first one signs, those after it are still believed. Only its owner reads it.
"""

import logging
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from webapp.ledger.storage.atomic_file import ONLY_OWNER, atomic_file

LENGTH_MIN: Final = 32
ONLY_OWNERS_FOLDER: Final = stat.S_IRWXU
_BYTES: Final = 32
_log: Final = logging.getLogger(__name__)


class BadKeyFile(Exception):
    """The file cannot be used; `str()` says in one line why, and what to do."""


def read_or_create(path: Path) -> list[str]:
    """Return the keys, the one that signs first; on the first start, make one. Raises BadKeyFile."""
    try:
        path.parent.mkdir(ONLY_OWNERS_FOLDER, exist_ok=True)
        if not path.exists():
            _create(path)
        _restrict_permissions(path)
        keys = path.read_text().split()
    except OSError as error:
        raise BadKeyFile(f"{path}: {error.strerror}") from error
    if not keys or min(map(len, keys)) < LENGTH_MIN:
        raise BadKeyFile(
            f"{path} does not hold keys of at least {LENGTH_MIN} characters. "
            "Remove it for a new one; everybody signs in again then"
        )
    return keys


def rotate(path: Path, *, forget: bool = False) -> None:
    """Put a new key first, and keep the one that signed so far behind it, unless to `forget` it.

    Older ones go. What was signed with a kept key stays valid once the server has been started
    again; until then nothing changes. Raises BadKeyFile and OSError.
    """
    kept = [] if forget else read_or_create(path)[:1]
    with atomic_file(path, replaces=True) as aside:
        aside.write_text("".join(f"{key}\n" for key in [secrets.token_hex(_BYTES), *kept]))


def _create(path: Path) -> None:
    # Written aside and linked into place: of two first starts at once, one wins whole.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.touch(mode=ONLY_OWNER)
    aside.write_text(f"{secrets.token_hex(_BYTES)}\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _restrict_permissions(path: Path) -> None:
    """Let nobody but its owner read the file from now on. Raises BadKeyFile where that cannot be."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    try:
        path.chmod(ONLY_OWNER)
    except PermissionError:
        raise BadKeyFile(f"{path} can be read by others. As its owner: chmod 600 {path}") from None
    _log.warning(
        "%s could be read by others (mode %o); now only its owner can. If somebody may have read it: "
        "flask rotate-secret-key --forget",
        path,
        mode,
    )
