"""Sign checkpoints of the log, and refuse to where one would not follow from the last one signed.

Beside the key lies the last checkpoint. A new one is signed only if the log has the same root at its size,
so a restored older backup or a standby that lagged cannot fork the log. The order is: sign, write the file,
insert the row. A crash between the last two is repaired by the next call.

Reasons: docs/decisions/0095-checkpoints.md.
"""

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from webapp.domain.errors import BrokenLog, LogNotSigned
from webapp.domain.event import time_text
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.ledger import clock
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import leave_read_transaction, reading, reading_anew
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.differences import difference
from webapp.ledger.transparency.key_folder import KeyFolder, key_folder
from webapp.ledger.transparency.keys import SigningKey, verify
from webapp.ledger.transparency.stored_checkpoints import RegisteredKey, SignedCheckpoint, origin_of
from webapp.ledger.transparency.tree import TREES, Tree, TreeReader

# The least time between two checkpoints of a tree.
SIGN_EVERY_S: float = 2.0
_RANDOM_BYTES: Final = 8
_FORK: Final = "`flask log fork` begins a new origin (docs/operations.md)."


class State(StrEnum):
    """Whether this host signs checkpoints, or why it does not."""

    SIGNING = "signing"
    NO_KEY = "no key"
    BEHIND = "behind"
    FORKED = "forked"
    UNUSABLE = "unusable"


class Refused(LogNotSigned):
    """The rule forbids to sign. `state` says which part of it."""

    def __init__(self, state: State, reason: str) -> None:
        """Take the state and the reason, in sentences for people."""
        super().__init__(reason)
        self.state = state


class NotSignedYet(LogNotSigned):
    """Nothing is signed yet, but will be soon by this host, or may be by another one of this ledger."""

    retry_after_s = 5


@dataclass(frozen=True)
class Signer:
    """A key that may sign the next checkpoint of a tree, and the last checkpoint that was signed."""

    registered: RegisteredKey
    key: SigningKey
    last: Checkpoint | None
    # The last note, if it is not stored in the database.
    unstored: str | None


@dataclass(frozen=True)
class Status:
    """Whether this host signs, and if not the reason; all registered keys, and the last checkpoints.

    `last` is that of the database and `beside_key` that of the key's folder, which an older backup lacks.
    """

    state: State
    reason: str
    keys: list[RegisteredKey]
    last: SignedCheckpoint | None
    beside_key: Checkpoint | None


def sign(tree: Tree = Tree.EVENTS) -> SignedCheckpoint | None:
    """Sign the present state of a tree if that is new; return the last checkpoint, None of an empty tree.

    Registers a key first where the ledger never had one. Raises LogNotSigned with the reason.
    """
    folder = key_folder()
    with folder.locked():
        _begin(folder)
        _store_unstored(folder, tree)
        return _sign(folder, tree)


def covering(position: int, tree: Tree = Tree.EVENTS) -> SignedCheckpoint:
    """Return a checkpoint that includes the leaf at a position, waiting for SIGN_EVERY_S at most.

    It ends the read transaction of the request, so that what is read next is not older than the checkpoint.
    Raises LogNotSigned.
    """
    while True:
        with reading_anew() as connection:
            keys = stored.registered_keys(connection)
            last = stored.last_checkpoint(connection, tree, keys[-1].origin) if keys else None
        if last is not None and last.checkpoint.size >= position:
            leave_read_transaction()
            return last
        age_s = _age_s(last)
        if 0 <= age_s < SIGN_EVERY_S:
            time.sleep(SIGN_EVERY_S - age_s)
        signed = sign(tree)
        if signed is None or signed.checkpoint.size < position:
            raise LogNotSigned(f"The log has no position {position}.")


def sign_if_new(tree: Tree) -> None:
    """Sign if the tree grew and the last checkpoint is older than SIGN_EVERY_S. Raises LogNotSigned."""
    with reading_anew() as connection:
        keys = stored.registered_keys(connection)
        last = stored.last_checkpoint(connection, tree, keys[-1].origin) if keys else None
        size = TreeReader(connection, tree).size()
    is_new = not keys or size != (last.checkpoint.size if last else 0)
    if is_new and not 0 <= _age_s(last) < SIGN_EVERY_S:
        sign(tree)


def status(tree: Tree = Tree.EVENTS) -> Status:
    """Return whether this host signs. Changes nothing."""
    with reading() as connection:
        keys = stored.registered_keys(connection)
        last = stored.last_checkpoint(connection, tree, keys[-1].origin) if keys else None
        state, reason = state_on(connection, tree)
    beside_key = None
    if keys:
        with suppress(LogNotSigned, InvalidNote):
            note = key_folder().last(keys[-1].origin, tree)
            beside_key = Checkpoint.parse(Note.parse(note).text) if note else None
    return Status(state, reason, keys, last, beside_key)


def state_on(connection: Connection, tree: Tree) -> tuple[State, str]:
    """Return whether this host signs a tree, and if not the reason. Changes nothing."""
    try:
        require_signer(connection, tree)
    except Refused as refused:
        return refused.state, str(refused)
    except (LogNotSigned, BrokenLog) as error:
        return State.UNUSABLE, str(error)
    return State.SIGNING, ""


def rotate() -> RegisteredKey:
    """Replace the key of the origin by a new one, and sign with it. Raises LogNotSigned."""
    folder = key_folder()
    with folder.locked():
        _begin(folder)
        for tree in TREES:
            _store_unstored(folder, tree)
        with reading_anew() as connection:
            present = _signer(connection, folder, Tree.EVENTS).registered
        key = SigningKey.generate(present.origin)
        folder.prepare(key, present.origin)
        added = _register(key, present.number + 1, None)
        folder.promote(present.origin)
        for tree in TREES:
            _sign(folder, tree)
    return added


def fork() -> RegisteredKey:
    """Begin a new origin, whose key names the last checkpoint of the one before. Raises LogNotSigned."""
    folder = key_folder()
    with folder.locked():
        with reading_anew() as connection:
            keys = stored.registered_keys(connection)
            old = keys[-1].origin if keys else _only_unregistered(folder)
            row = stored.last_checkpoint(connection, Tree.EVENTS, old) if keys else None
        follows = folder.last(old, Tree.EVENTS) or (row.note if row else None)
        key = SigningKey.generate(_new_origin(folder, {each.origin for each in keys} | {old}))
        folder.prepare(key, key.name)
        folder.promote(key.name)
        added = _register(key, len(keys) + 1, follows)
        for tree in TREES:
            _sign(folder, tree)
    return added


def require_signer(connection: Connection, tree: Tree = Tree.EVENTS) -> Signer | None:
    """Return what could sign now, None before the first key. Raises LogNotSigned. Changes nothing."""
    folder = key_folder()
    if not stored.registered_keys(connection):
        if _foreign(folder):
            raise _unknown_key(folder)
        return None
    return _signer(connection, folder, tree)


def _age_s(last: SignedCheckpoint | None) -> float:
    """Return the age of a checkpoint in seconds; negative for none, and for one that the clock is behind."""
    return (clock.now() - datetime.fromisoformat(last.signed_at)).total_seconds() if last else -1.0


def _sign(folder: KeyFolder, tree: Tree) -> SignedCheckpoint | None:
    with reading_anew() as connection:
        signer = _signer(connection, folder, tree)
        reader = TreeReader(connection, tree)
        size, origin = reader.size(), signer.registered.origin
        present = stored.last_checkpoint(connection, tree, origin)
        is_of_key = present is not None and present.key_number == signer.registered.number
        if size == 0 or (signer.last is not None and size == signer.last.size and is_of_key):
            return present
        checkpoint = Checkpoint(origin_of(origin, tree), size, reader.root(size))
    key = signer.key.named(checkpoint.origin)
    note = str(Note(checkpoint.text, (key.sign(checkpoint.text),)))
    folder.set_last(origin, tree, note, checkpoint)
    return _store(tree, signer.registered.number, note)


def _store_unstored(folder: KeyFolder, tree: Tree) -> None:
    """Insert the row of the last checkpoint if the program was stopped before it did."""
    with reading_anew() as connection:
        signer = _signer(connection, folder, tree)
    if signer.unstored is not None:
        _store(tree, signer.registered.number, signer.unstored)


def _store(tree: Tree, key_number: int, note: str) -> SignedCheckpoint:
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    signed = SignedCheckpoint(checkpoint, note, time_text(clock.now()), key_number)
    transact(lambda connection: stored.add_checkpoint(connection, tree, signed), unconditional=True)
    return signed


def _signer(connection: Connection, folder: KeyFolder, tree: Tree) -> Signer:
    """Return the key if it is here and the log follows from all that was signed. Raises LogNotSigned."""
    keys = stored.registered_keys(connection)
    registered = keys[-1]
    key = _key_of(folder, registered)
    own = [each for each in keys if each.origin == registered.origin]
    row = stored.last_checkpoint(connection, tree, registered.origin)
    note = folder.last(registered.origin, tree)
    if note is None:
        if row is not None:
            raise Refused(
                State.UNUSABLE,
                f"The last checkpoint of {registered.origin} is missing beside its key. Put back its file, "
                f"or begin anew: {_FORK}",
            )
        return Signer(registered, key, None, None)
    last = _verified(note, own, tree)
    reader = TreeReader(connection, tree)
    for checkpoint in [last, *([row.checkpoint] if row else [])]:
        _require_follows(reader, checkpoint, folder.signed(registered.origin, tree))
    is_stored = row is not None and row.checkpoint.size >= last.size
    return Signer(registered, key, last, None if is_stored else note)


def _require_follows(reader: TreeReader, last: Checkpoint, signed: Mapping[int, bytes]) -> None:
    size = reader.size()
    if size >= last.size and reader.root(last.size) == last.root:
        return
    where = difference(reader, {**signed, last.size: last.root})
    if size < last.size:
        other = f" {where.sentence}" if where.until is not None else ""
        raise Refused(
            State.BEHIND,
            f"The log has {size:,} {reader.leaves}, but {last.size:,} were signed under {last.origin}. "
            f"The last {last.size - size:,} are missing here.{other} If they are lost: {_FORK}",
        )
    raise Refused(
        State.FORKED,
        f"The first {last.size:,} {reader.leaves} are not those that were signed under {last.origin}. "
        f"{where.sentence} If the {reader.leaves} that were signed are lost: {_FORK}",
    )


def _verified(note: str, keys: list[RegisteredKey], tree: Tree) -> Checkpoint:
    """Return the checkpoint of the file. Raises Refused unless a key of the origin signed it."""
    try:
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
    except InvalidNote as error:
        raise Refused(State.UNUSABLE, f"The last checkpoint beside the key is damaged: {error}") from None
    verifiers = [key.verifier(tree) for key in keys]
    if not any(verify(key, parsed.text, each) for key in verifiers for each in parsed.signatures):
        raise Refused(State.UNUSABLE, "The last checkpoint beside the key is signed by no registered key.")
    return checkpoint


def _key_of(folder: KeyFolder, registered: RegisteredKey) -> SigningKey:
    """Return the private key of a registered one. Raises Refused if it is not here."""
    key = folder.key(registered.origin)
    if key is None or key.public_key != registered.public_key:
        key = folder.next_key(registered.origin)  # a rotation was interrupted
    if key is None or key.public_key != registered.public_key:
        raise Refused(
            State.NO_KEY,
            f"The registered key of {registered.origin} is not in the folder LOG_KEYS of this host.",
        )
    return key


def _begin(folder: KeyFolder) -> None:
    """Register a key where the ledger never had one, and end an interrupted rotation."""
    with reading_anew() as connection:
        keys = stored.registered_keys(connection)
    if keys:
        key = folder.next_key(keys[-1].origin)
        if key is not None and key.public_key == keys[-1].public_key:
            folder.promote(keys[-1].origin)
        return
    if _foreign(folder):
        raise _unknown_key(folder)
    # What is prepared and not promoted was left when the program was stopped before it registered the key. A
    # promoted key is that of another ledger, which may not have signed anything yet.
    prepared = [origin for origin in folder.prepared() if folder.key(origin) is None]
    key = folder.next_key(prepared[0]) if prepared else None
    if key is None:
        key = SigningKey.generate(_new_origin(folder, set(folder.origins())))
        folder.prepare(key, key.name)
    _register(key, 1, None)
    folder.promote(key.name)


def _register(key: SigningKey, number: int, follows: str | None) -> RegisteredKey:
    added = RegisteredKey(number, key.name, key.public_key, time_text(clock.now()), follows)
    transact(lambda connection: stored.add_key(connection, added), unconditional=True)
    return added


def _new_origin(folder: KeyFolder, used: set[str]) -> str:
    if folder.origin and folder.origin not in used:
        return folder.origin
    return f"{folder.origin or folder.host}/{secrets.token_hex(_RANDOM_BYTES)}"


def _foreign(folder: KeyFolder) -> list[str]:
    """Return the origins in the folder that signed something."""
    return [each for each in folder.origins() if any(folder.last(each, tree) is not None for tree in TREES)]


def _unknown_key(folder: KeyFolder) -> Refused:
    (origin, *_) = _foreign(folder)
    return Refused(
        State.NO_KEY,
        f"The folder LOG_KEYS has the key of {origin}, which this database does not know. If that key is of "
        "another ledger, each ledger needs a folder of its own: set LOG_KEYS to another path, such as the "
        "present one with -2 after it, and start again. "
        f"If this database is a restored backup: {_FORK}",
    )


def _only_unregistered(folder: KeyFolder) -> str:
    origins = _foreign(folder)
    if len(origins) != 1:
        raise LogNotSigned("There is no one origin that a new one could follow from.")
    return origins[0]
