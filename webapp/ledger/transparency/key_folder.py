"""What lies outside the database: the private key of each origin, and the last checkpoints signed with it.

The folder has a folder for each origin, in whose name `+` stands for `/`. Only its owner can read it.
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from webapp.domain.errors import LogNotSigned
from webapp.domain.signed_note import Checkpoint, InvalidNote
from webapp.ledger.storage.atomic_file import ONLY_OWNER, atomic_file
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.transparency_tables import Tree
from webapp.ledger.transparency.keys import SigningKey

_ONLY_OWNERS_FOLDER: Final = stat.S_IRWXU
_KEY: Final = "key"
# A key that is registered, or about to be, and takes the place of the other.
_NEXT_KEY: Final = "key.next"
_LAST: Final = {Tree.EVENTS: "last-checkpoint", Tree.ACCOUNTS: "last-accounts-checkpoint"}
# The sizes and roots of the checkpoints before, of which the older half is left out beyond this length.
_SIGNED: Final = {Tree.EVENTS: "signed-checkpoints", Tree.ACCOUNTS: "signed-accounts-checkpoints"}
_SIGNED_LINE: Final = re.compile(r"[0-9]{1,18} [0-9a-f]{64}")
SIGNED_BYTES_MAX: Final = 2_000_000
_FILE_BYTES_MAX: Final = 65_536


@dataclass(frozen=True)
class KeyFolder:
    """The folder of the setting LOG_KEYS, and the names of an origin that is begun.

    `origin` is the setting LOG_ORIGIN, empty if it is not set; then `host` begins the name.
    All methods raise LogNotSigned if the folder cannot be used.
    """

    path: Path
    host: str
    origin: str

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock under which keys and checkpoints are changed, between all processes."""
        with _errors(self.path):
            self.path.mkdir(_ONLY_OWNERS_FOLDER, parents=True, exist_ok=True)
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, ONLY_OWNER)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            # Closing alone would not release the lock if a process forked meanwhile has the file open.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def origins(self) -> list[str]:
        """Return the origins whose keys are here."""
        return self._with_file(_KEY)

    def prepared(self) -> list[str]:
        """Return the origins with a key that `prepare` stored, if `promote` has not been called."""
        return self._with_file(_NEXT_KEY)

    def key(self, origin: str) -> SigningKey | None:
        """Return the key of an origin."""
        return self._parsed(origin, _KEY)

    def next_key(self, origin: str) -> SigningKey | None:
        """Return the key that `prepare` stored, if `promote` has not been called."""
        return self._parsed(origin, _NEXT_KEY)

    def prepare(self, key: SigningKey, origin: str) -> None:
        """Store a key beside the present one."""
        self._write(origin, _NEXT_KEY, key.secret_text)

    def promote(self, origin: str) -> None:
        """Replace the present key by the one that `prepare` stored."""
        key = self.next_key(origin)
        if key is not None:
            self._write(origin, _KEY, key.secret_text)
            with _errors(self.path):
                (self._folder(origin) / _NEXT_KEY).unlink()

    def last(self, origin: str, tree: Tree) -> str | None:
        """Return the last checkpoint signed for a tree of the origin, as a note."""
        return self._text(origin, _LAST[tree])

    def set_last(self, origin: str, tree: Tree, note: str, signed: Checkpoint) -> None:
        """Store the last checkpoint signed, and add its size and root to those before."""
        self._write(origin, _LAST[tree], note)
        path = self._folder(origin) / _SIGNED[tree]
        with _errors(path):
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{signed.size} {signed.root.hex()}\n")
            if path.stat().st_size > SIGNED_BYTES_MAX:
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                self._write(origin, _SIGNED[tree], "".join(lines[len(lines) // 2 :]))

    def signed(self, origin: str, tree: Tree) -> dict[int, bytes]:
        """Return the roots of checkpoints signed before, by their sizes: a clue to where a log differs."""
        path = self._folder(origin) / _SIGNED[tree]
        with _errors(path):
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        # A last line that a crash cut off is left out.
        pairs = (line.split(" ") for line in lines if _SIGNED_LINE.fullmatch(line))
        return {int(size): bytes.fromhex(root) for size, root in pairs}

    def _with_file(self, name: str) -> list[str]:
        with _errors(self.path):
            try:
                folders = os.listdir(self.path)  # noqa: PTH208 - on each request of this machine
            except (FileNotFoundError, NotADirectoryError):
                return []
            return [
                folder.replace("+", "/")
                for folder in sorted(folders)
                if os.path.exists(f"{self.path}/{folder}/{name}")  # noqa: PTH110 - as above
            ]

    def _parsed(self, origin: str, name: str) -> SigningKey | None:
        text = self._text(origin, name)
        try:
            return None if text is None else SigningKey.parse(text)
        except InvalidNote as error:
            raise LogNotSigned(f"The file {name} of the log's keys is damaged: {error}") from None

    def _text(self, origin: str, name: str) -> str | None:
        path = self._folder(origin) / name
        with _errors(path):
            try:
                with path.open("rb") as file:
                    return file.read(_FILE_BYTES_MAX).decode(errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                return None

    def _write(self, origin: str, name: str, text: str) -> None:
        path = self._folder(origin) / name
        with _errors(path):
            path.parent.mkdir(_ONLY_OWNERS_FOLDER, exist_ok=True)
            with atomic_file(path, replaces=True) as aside:
                aside.write_text(text, encoding="utf-8")

    def _folder(self, origin: str) -> Path:
        return self.path / origin.replace("/", "+")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Readers of the page Integrity see the sentence, so it has no path of the machine.
        name = Path(error.filename or path).name
        raise LogNotSigned(
            f"The folder of the log's keys cannot be used: {name}: {error.strerror}."
        ) from error


_folders: Final[WeakKeyDictionary[Engine, KeyFolder]] = WeakKeyDictionary()


def use(engine: Engine, folder: KeyFolder) -> None:
    """Set the folder for the database of this engine."""
    _folders[engine] = folder


def key_folder() -> KeyFolder:
    """Return the folder for the present database."""
    return _folders[db.engine]
