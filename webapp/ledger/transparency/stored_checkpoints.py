"""Read and add the rows of registered keys and of signed checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from webapp.domain.signed_note import Checkpoint, Note, SignatureType, VerifierKey
from webapp.ledger.storage import log_sql as sql
from webapp.ledger.storage.statements import fetch, send
from webapp.ledger.storage.transparency_tables import Tree

# What follows the origin of the events in the origin of another tree.
_SUFFIX: Final = {Tree.EVENTS: "", Tree.ACCOUNTS: "/accounts"}


@dataclass(frozen=True)
class RegisteredKey:
    """A row of log_keys. `origin` is that of the tree of events."""

    number: int
    origin: str
    public_key: bytes
    registered_at: str
    follows: str | None

    @property
    def left(self) -> Checkpoint | None:
        """The last checkpoint of the origin before, where this key began a new one after a fork."""
        return Checkpoint.parse(Note.parse(self.follows).text) if self.follows else None

    def verifier(self, tree: Tree) -> VerifierKey:
        """Return the key of the checkpoints of a tree."""
        return VerifierKey(origin_of(self.origin, tree), SignatureType.ED25519, self.public_key)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A stored checkpoint. `note` is the signed note, with the lines of cosignatures."""

    checkpoint: Checkpoint
    note: str
    signed_at: str
    key_number: int

    @property
    def file_name(self) -> str:
        """The name of a file that has it."""
        return f"{self.checkpoint.origin.replace('/', '+')}-{self.checkpoint.size}.checkpoint"


@dataclass(frozen=True)
class Cosigned:
    """The size of a checkpoint, the names of the keys that cosigned it, and when the last of them did."""

    size: int
    received_at: str
    witnesses: Sequence[str]


def origin_of(origin: str, tree: Tree) -> str:
    """Return the origin of a tree, given that of the events."""
    return f"{origin}{_SUFFIX[tree]}"


def events_origin(origin: str, tree: Tree) -> str:
    """Return the origin of the tree of events, given that of a tree."""
    return origin.removesuffix(_SUFFIX[tree])


def registered_keys(connection: Connection) -> list[RegisteredKey]:
    """Return all keys; the last one is in use."""
    return [
        RegisteredKey(number, origin, bytes(public_key), registered_at, follows)
        for number, origin, public_key, registered_at, follows in fetch(connection, sql.KEYS)
    ]


def add_key(connection: Connection, key: RegisteredKey) -> None:
    """Register a key, whose number is the next."""
    row = (key.number, key.origin, key.public_key, key.registered_at, key.follows)
    send(connection, sql.INSERT_KEY, [row])


def last_checkpoint(connection: Connection, tree: Tree, origin: str) -> SignedCheckpoint | None:
    """Return the last checkpoint of a tree. `origin` is that of the tree of events."""
    return _only(connection, tree, fetch(connection, sql.LAST_CHECKPOINT, tree, origin))


def checkpoint_at(connection: Connection, tree: Tree, size: int) -> SignedCheckpoint | None:
    """Return the checkpoint of this size, that of the latest key if there are several."""
    return _only(connection, tree, fetch(connection, sql.CHECKPOINT_AT, tree, size))


def add_checkpoint(connection: Connection, tree: Tree, signed: SignedCheckpoint) -> None:
    """Store a checkpoint."""
    row = (tree, signed.key_number, signed.checkpoint.size, signed.note, signed.signed_at)
    send(connection, sql.INSERT_CHECKPOINT, [row])


def add_cosignature(
    connection: Connection, tree: Tree, signed: SignedCheckpoint, witness: str, line: str, received_at: str
) -> None:
    """Store the line of a witness for a checkpoint, unless there is one of this witness."""
    place = (tree, signed.key_number, signed.checkpoint.size, witness)
    if not fetch(connection, sql.COSIGNATURE_OF, *place):
        send(connection, sql.INSERT_COSIGNATURE, [(*place, line, received_at)])


def last_cosigned(connection: Connection, tree: Tree) -> Cosigned | None:
    """Return the newest checkpoint of a tree that a witness cosigned."""
    rows = fetch(connection, sql.LAST_COSIGNED, tree)
    if not rows:
        return None
    key_number, size = rows[0][:2]
    newest = [row for row in rows if row[:2] == (key_number, size)]
    return Cosigned(size, max(row[3] for row in newest), [row[2] for row in newest])


def _only(connection: Connection, tree: Tree, rows: Sequence[Sequence[Any]]) -> SignedCheckpoint | None:
    if not rows:
        return None
    ((_, key_number, size, note, signed_at),) = rows
    lines = fetch(connection, sql.COSIGNATURES, tree, key_number, size)
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    return SignedCheckpoint(
        checkpoint, note + "".join(f"{line}\n" for (line,) in lines), signed_at, key_number
    )
