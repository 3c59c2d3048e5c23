"""Where checkpoints go from this machine, so that somebody else has them: folders, commands and witnesses.

What was delivered is in a file of the folder of the log's keys, and the keys of witnesses that cosigned are
in another. A failed delivery is tried again after RETRY_AFTER.
"""

import fcntl
import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from webapp.domain.checkpoint_destinations import Destination, Kind
from webapp.domain.event import time_text
from webapp.domain.signed_note import InvalidNote, Note, Signature, VerifierKey
from webapp.domain.witness_request import WitnessRequest
from webapp.ledger import clock
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.atomic_file import ONLY_OWNER, atomic_file
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import checkpoints, stored_checkpoints, tree
from webapp.ledger.transparency.checkpoints import SignedCheckpoint
from webapp.ledger.transparency.key_folder import key_folder
from webapp.ledger.transparency.keys import verify
from webapp.ledger.transparency.tree import TREES, Tree

RETRY_AFTER: Final = timedelta(minutes=1)
_WAIT_S: Final = 10
_COMMAND_WAIT_S: Final = 60
_ANSWER_BYTES_MAX: Final = 65_536
_STATE: Final = "deliveries.json"
_LOCK: Final = "deliveries.lock"
# A line for each: cosignatures stay, also of a witness that CHECKPOINT_TO names no more.
_WITNESS_KEYS: Final = "witness-keys"


class NotDelivered(Exception):
    """The checkpoint was not delivered. The message says why in one sentence."""


@dataclass(frozen=True)
class Delivery:
    """The state of a destination for an origin: the size that it has, and the last failure since."""

    destination: str
    origin: str
    size: int = 0
    delivered_at: str = ""
    failed_at: str = ""
    failure: str = ""


_destinations: Final[WeakKeyDictionary[Engine, Sequence[Destination]]] = WeakKeyDictionary()


def use(engine: Engine, destinations: Sequence[Destination]) -> None:
    """Set the destinations for the database of this engine."""
    _destinations[engine] = destinations


def witness_keys() -> list[VerifierKey]:
    """Return the keys of the witnesses that checkpoints are sent to, and of those that cosigned before."""
    named = [each.key for each in _destinations.get(db.engine, ()) if each.key is not None]
    return list(dict.fromkeys([*named, *_kept_keys()]))


def deliver_all() -> None:
    """Deliver the last checkpoint of each tree where that is due.

    Nothing if another process does so now.
    """
    destinations = _destinations.get(db.engine, ())
    if not destinations:
        return
    with _lock() as is_free:
        if not is_free:
            return
        for each in TREES:
            last = checkpoints.latest(each)
            for destination in destinations if last else ():
                if last:
                    _deliver_if_due(destination, each, last)


def deliveries() -> list[Delivery]:
    """Return the state of each destination, as it may be shown, for each tree that was signed."""
    known = _read()
    signed = [last.checkpoint.origin for each in TREES if (last := checkpoints.latest(each))]
    return [
        replace(
            known.get((str(destination), origin), Delivery(str(destination), origin)),
            destination=destination.shown,
        )
        for destination in _destinations.get(db.engine, ())
        for origin in signed
    ]


def _deliver_if_due(destination: Destination, of: Tree, last: SignedCheckpoint) -> None:
    place = (str(destination), last.checkpoint.origin)
    before = _read().get(place, Delivery(*place))
    now = time_text(clock.now())
    if before.size == last.checkpoint.size or not _is_due(before, now):
        return
    try:
        _DELIVER[destination.kind](destination, of, last, before.size)
    except NotDelivered as error:
        after = Delivery(*place, before.size, before.delivered_at, now, str(error))
    else:
        after = Delivery(*place, last.checkpoint.size, now)
    _write({**_read(), place: after})


def _is_due(before: Delivery, now: str) -> bool:
    if not before.failed_at:
        return True
    failed_at, present = (datetime.fromisoformat(time) for time in (before.failed_at, now))
    return present - failed_at >= RETRY_AFTER


def _to_folder(destination: Destination, _of: Tree, last: SignedCheckpoint, _before: int) -> None:
    try:
        with atomic_file(Path(destination.target) / last.file_name, replaces=True) as aside:
            aside.write_text(last.note, encoding="utf-8")
    except OSError as error:
        raise NotDelivered(f"{error.filename or destination.target}: {error.strerror}.") from error


def _to_command(destination: Destination, _of: Tree, last: SignedCheckpoint, _before: int) -> None:
    """Run the command of the setting, without a shell. It gets the note as its input."""
    try:
        done = subprocess.run(
            shlex.split(destination.target),
            input=last.note.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_COMMAND_WAIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotDelivered(f"The command did not run: {error}.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:200]
        raise NotDelivered(f"The command ended with {done.returncode}: {said}")


def _to_witness(destination: Destination, of: Tree, last: SignedCheckpoint, before: int) -> None:
    status, answer = _ask(destination, of, last, before)
    if status == HTTPStatus.CONFLICT and answer.strip().isdigit():
        size = int(answer)
        if size > last.checkpoint.size:
            raise NotDelivered(f"The witness has {size} entries of this log, which has fewer.")
        status, answer = _ask(destination, of, last, size)
    if status != HTTPStatus.OK:
        raise NotDelivered(f"The witness answered {status}: {answer.strip()[:200]}")
    store_cosignature(destination, of, last, answer)


def _ask(destination: Destination, of: Tree, last: SignedCheckpoint, before: int) -> tuple[int, str]:
    """Return the status and the text of the witness's answer. Raises NotDelivered."""
    new = last.checkpoint.size
    proof = tree.consistency(before, new, of) if 0 < before < new else []
    # A witness needs the log's own signature alone.
    note = Note.parse(last.note)
    request = WitnessRequest(before, tuple(proof), Note(note.text, note.signatures[:1]))
    sent = urllib.request.Request(  # noqa: S310 - http or https, as the setting is parsed
        f"{destination.target}/add-checkpoint",
        str(request).encode(),
        {"Content-Type": "text/plain; charset=utf-8"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(sent, timeout=_WAIT_S) as answer:  # noqa: S310
            return answer.status, answer.read(_ANSWER_BYTES_MAX).decode(errors="replace")
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(_ANSWER_BYTES_MAX).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise NotDelivered(f"The witness did not answer: {getattr(error, 'reason', error)}.") from error


def store_cosignature(destination: Destination, of: Tree, last: SignedCheckpoint, answer: str) -> None:
    """Store the cosignature in a witness's answer, and its key. Lines of unknown keys are ignored.

    Raises NotDelivered if the witness did not cosign.
    """
    key = destination.key
    for line in answer.splitlines():
        try:
            signature = Signature.parse(line)
        except InvalidNote:
            continue
        if key is not None and verify(key, Note.parse(last.note).text, signature):
            _keep_key(key)
            transact(
                lambda connection, line=signature.line: stored_checkpoints.add_cosignature(  # type: ignore[misc]
                    connection, of, last, key.name, line, time_text(clock.now())
                ),
                unconditional=True,
            )
            return
    raise NotDelivered("The witness answered without a valid cosignature of its key.")


def _kept_keys() -> list[VerifierKey]:
    """Return the keys of witnesses that cosigned. What cannot be read is left out: a proof has the others."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (key_folder().path / _WITNESS_KEYS).read_text("utf-8", errors="replace").splitlines()
    keys = []
    for line in lines:
        with suppress(InvalidNote):
            keys.append(VerifierKey.parse(line))
    return keys


def _keep_key(key: VerifierKey) -> None:
    kept = _kept_keys()
    if key in kept:
        return
    try:
        with atomic_file(key_folder().path / _WITNESS_KEYS, replaces=True) as aside:
            aside.write_text("".join(f"{each}\n" for each in [*kept, key]), encoding="utf-8")
    except OSError as error:
        raise NotDelivered(
            f"The key of the witness cannot be kept beside the log's: {error.strerror}."
        ) from error


_DELIVER: Final = {Kind.FOLDER: _to_folder, Kind.COMMAND: _to_command, Kind.WITNESS: _to_witness}


@contextmanager
def _lock() -> Iterator[bool]:
    """Give whether this process delivers now."""
    descriptor = os.open(key_folder().path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, ONLY_OWNER)
    is_free = False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = True
        except BlockingIOError:
            pass
        yield is_free
    finally:
        if is_free:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _read() -> dict[tuple[str, str], Delivery]:
    path = key_folder().path / _STATE
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {(row["destination"], row["origin"]): Delivery(**row) for row in rows}


def _write(known: dict[tuple[str, str], Delivery]) -> None:
    rows = [vars(each) for each in known.values()]
    with atomic_file(key_folder().path / _STATE, replaces=True) as aside:
        aside.write_text(json.dumps(rows, indent=1), encoding="utf-8")
