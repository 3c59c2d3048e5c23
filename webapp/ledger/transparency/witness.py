"""A witness for other logs: cosign what follows from the last checkpoint of each, and nothing else.

The last checkpoints and the key lie in the folder of the log's keys, outside the database. A checkpoint is
stored before its cosignature is returned, under a lock, so that two requests cannot roll it back.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from webapp.domain import merkle
from webapp.domain.errors import LogNotSigned
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note, Signature, VerifierKey
from webapp.domain.witness_request import WitnessRequest
from webapp.ledger.storage.atomic_file import ONLY_OWNER, atomic_file
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency.keys import SigningKey, verify

_KEY: Final = "witness.key"
_FOLDER: Final = "witness"
_ONLY_OWNERS_FOLDER: Final = 0o700


class WitnessRefused(Exception):
    """The request is not cosigned. `size` is that of the last checkpoint, where the request names another."""

    def __init__(self, status: HTTPStatus, reason: str, size: int | None = None) -> None:
        """Take the HTTP status of the protocol and the reason, one sentence."""
        super().__init__(reason)
        self.status, self.size = status, size


@dataclass(frozen=True)
class Witness:
    """A witness with its key in a folder, and the keys of the logs that it follows."""

    folder: Path
    name: str
    logs: Sequence[VerifierKey]

    def key(self) -> SigningKey:
        """Return the key, and make it first where there is none. Raises LogNotSigned."""
        path = self.folder / _KEY
        with self._locked():
            if not path.exists():
                with atomic_file(path, replaces=False) as aside:
                    aside.write_text(SigningKey.generate(self.name).secret_text, encoding="utf-8")
            try:
                return SigningKey.parse(path.read_text(encoding="utf-8"))
            except InvalidNote as error:
                raise LogNotSigned(f"{path}: {error}") from None

    def last(self, origin: str) -> Checkpoint | None:
        """Return the last checkpoint of a log that was cosigned."""
        path = self._path(origin)
        if not path.exists():
            return None
        return Checkpoint.parse(Note.parse(path.read_text(encoding="utf-8")).text)

    def cosign(self, request: WitnessRequest) -> Signature:
        """Return the cosignature of the request's checkpoint. Raises WitnessRefused, LogNotSigned."""
        checkpoint = request.checkpoint
        self._require_signed(request.note, checkpoint.origin)
        if request.old_size > checkpoint.size:
            raise WitnessRefused(HTTPStatus.BAD_REQUEST, "The old size is larger than the checkpoint.")
        key = self.key()
        with self._locked():
            last = self.last(checkpoint.origin)
            size = last.size if last else 0
            if request.old_size != size:
                raise WitnessRefused(HTTPStatus.CONFLICT, f"The last checkpoint has size {size}.", size)
            if not _follows(last, checkpoint, request.proof):
                reason = f"The checkpoint does not follow from that of size {size}."
                raise WitnessRefused(HTTPStatus.UNPROCESSABLE_ENTITY, reason)
            path = self._path(checkpoint.origin)
            path.parent.mkdir(_ONLY_OWNERS_FOLDER, exist_ok=True)
            with atomic_file(path, replaces=True) as aside:
                aside.write_text(str(request.note), encoding="utf-8")
        return key.cosign(request.note.text, int(time.time()))

    def _require_signed(self, note: Note, origin: str) -> None:
        """Require a signature of a known key of this log, and that none of such a key is wrong."""
        keys = [key for key in self.logs if key.name == origin]
        if not keys:
            raise WitnessRefused(HTTPStatus.NOT_FOUND, "This witness does not follow that log.")
        claimed = [(key, each) for each in note.signatures for key in keys if key.made(each)]
        if not claimed or not all(verify(key, note.text, each) for key, each in claimed):
            raise WitnessRefused(HTTPStatus.FORBIDDEN, "No key of the log signed this checkpoint.")

    def _path(self, origin: str) -> Path:
        return self.folder / _FOLDER / f"{origin.replace('/', '+')}.checkpoint"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(_ONLY_OWNERS_FOLDER, parents=True, exist_ok=True)
            descriptor = os.open(
                self.folder / "witness.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, ONLY_OWNER
            )
        except OSError as error:
            raise LogNotSigned(f"{self.folder}: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


_witnesses: Final[WeakKeyDictionary[Engine, Witness]] = WeakKeyDictionary()


def use(engine: Engine, witness: Witness) -> None:
    """Set the witness of the application with this engine."""
    _witnesses[engine] = witness


def witness() -> Witness:
    """Return the witness of the present application. It follows no log unless WITNESS_LOGS names one."""
    return _witnesses[db.engine]


def _follows(last: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes]) -> bool:
    if last is None:
        return not proof and (new.size > 0 or new.root == merkle.EMPTY_ROOT)
    if last.size == 0:
        return not proof and (new.size > 0 or new.root == last.root)
    return merkle.is_consistent(last.size, last.root, new.size, new.root, proof)
