"""The secret key file, used unless SECRET_KEY is set: creates, reads and rotates it.

It has one key per line: the first one signs sessions and CSRF tokens, the others are still accepted. Only
its owner can read it.
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
    """The file cannot be used. The message says in one line why and what to do."""


def read_or_create(path: Path) -> list[str]:
    """Return the keys, the signing one first. Create the file if it is missing. Raises BadKeyFile."""
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
            "Remove it to create a new one; everyone then signs in again"
        )
    return keys


def rotate(path: Path) -> list[str]:
    """Write a new key first, followed by the previous signing key; return both.

    Older keys are removed. The new keys take effect when the server restarts. Raises BadKeyFile and
    OSError.
    """
    keys = [secrets.token_hex(_BYTES), *read_or_create(path)[:1]]
    _write(path, keys)
    return keys


def forget(path: Path) -> None:
    """Remove all keys but the one that signs. Raises BadKeyFile and OSError."""
    _write(path, read_or_create(path)[:1])


def _write(path: Path, keys: list[str]) -> None:
    with atomic_file(path, replaces=True) as temporary:
        temporary.write_text("".join(f"{key}\n" for key in keys))


def _create(path: Path) -> None:
    # Written to a temporary file and linked, so that one of two simultaneous first starts wins.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.touch(mode=ONLY_OWNER)
    temporary.write_text(f"{secrets.token_hex(_BYTES)}\n")
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _restrict_permissions(path: Path) -> None:
    """Remove the permissions of group and others. Raises BadKeyFile if that is not permitted."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    try:
        path.chmod(ONLY_OWNER)
    except PermissionError:
        raise BadKeyFile(f"{path} is readable by others. As its owner, run: chmod 600 {path}") from None
    _log.warning(
        "%s was readable by others (mode %o); now only its owner can read it. If someone may have read it: "
        "flask rotate-secret-key --forget",
        path,
        mode,
    )
