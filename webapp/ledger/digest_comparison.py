"""Compare a digest that somebody kept with this ledger: is it that of now, of an earlier state, or of none.

Events are never changed, so the log is read in parts, each in a short read transaction. It is the log
that is stored: that each hash is the hash of its event is known only from a check (``integrity``).
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from webapp.domain.errors import InvalidFields, LedgerBusy, Problem
from webapp.ledger.audit.digest import Digest, NotADigest, RunningDigest, read_hex
from webapp.ledger.event_log import last_position
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import leave_read_transaction, reading

_PART: Final = 20_000
_HASHES: Final = (
    "SELECT events.hash FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position > ? AND feed.position <= ? ORDER BY feed.position"
)
# One comparison at a time in a process, because it reads the whole log.
_turn: Final = threading.Lock()


class Outcome(StrEnum):
    """EQUAL: the ledger as it is. EARLIER: a beginning of it. LONGER: the ledger has fewer events."""

    EQUAL = "equal"
    EARLIER = "earlier"
    LONGER = "longer"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """The outcome. `stated` is the number of events that the text states, if it does.

    `position` is the last event of the state that has the digest, None where none has it. `events` is the
    number of events of the ledger.
    """

    outcome: Outcome
    stated: int | None
    position: int | None
    events: int


def compare(text: str) -> Comparison:
    """Compare the output of `flask verify`, or the digits of a digest alone, with this ledger.

    Raises InvalidFields if the text has no digest, and LedgerBusy while this process makes another
    comparison.
    """
    stated, wanted = _parse(text)
    if not _turn.acquire(blocking=False):
        raise LedgerBusy("Another digest is being compared. Please try again.")
    try:
        position = _position_of(wanted, stated)
    finally:
        _turn.release()
    with reading() as connection:
        events = last_position(connection)
    if position is None:
        is_longer = stated is not None and stated > events
        return Comparison(Outcome.LONGER if is_longer else Outcome.DIFFERENT, stated, None, events)
    return Comparison(Outcome.EQUAL if position == events else Outcome.EARLIER, stated, position, events)


def _parse(text: str) -> tuple[int | None, str]:
    digits = read_hex(text)
    if digits:
        return None, digits
    try:
        digest = Digest.read(text)
    except NotADigest as error:
        raise InvalidFields([Problem("digest", str(error))]) from None
    return digest.events, digest.sha256


def _position_of(wanted: str, stated: int | None) -> int | None:
    """Return the position up to which the log has the digest, None if there is none.

    With a stated number of events only that position is looked at, otherwise each.
    """
    running = RunningDigest()
    if stated in {None, 0} and running.now().sha256 == wanted:
        return 0
    for event_hash in _hashes(stated):
        running.add(event_hash)
        if stated in {None, running.count} and running.now().sha256 == wanted:
            return running.count
    return None


def _hashes(end: int | None) -> Iterator[str]:
    """Yield the hashes of the log up to a position, or all."""
    start = 0
    while True:
        stop = start + _PART if end is None else min(start + _PART, end)
        leave_read_transaction()
        with reading() as connection:
            part = statements.fetch(connection, _HASHES, start, stop)
        yield from (event_hash.hex() for (event_hash,) in part)
        if len(part) < _PART:
            return
        start = stop
