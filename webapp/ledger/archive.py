"""The archive: every stored event text as a line, in feed order. How histories move and are kept.

An archive is the log itself, byte for byte, so an archive of the same ledger is always the same
file, and `sha256sum` can recompute every hash in it. Reading one trusts nothing it says. What is
derived from the log is not in it: a restore makes that again, as a rebuild does.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, NoResultFound

from webapp.domain.credit import Credit
from webapp.domain.errors import BrokenArchive, BrokenLog
from webapp.domain.event import Event, EventHead, PositionedEvent, text_hash
from webapp.domain.event_validation import InvalidEvent, chain_errors, read_event, stated_credit
from webapp.domain.lifecycle import EventType
from webapp.domain.split import SplitTrees
from webapp.ledger import event_log
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import key_ranges
from webapp.ledger.audit.digest import Digest, RunningDigest
from webapp.ledger.audit.findings import Progress, no_progress
from webapp.ledger.audit.lineage_check import check_lineage
from webapp.ledger.audit.serial_check import collecting, fully_cancelled_credits, serials_in
from webapp.ledger.event_log import StoredEvent
from webapp.ledger.projections.apply import rebuild_projections
from webapp.ledger.storage.atomic_file import atomic_file
from webapp.ledger.storage.engine import reading
from webapp.ledger.writer import Transaction, commit

# Far above any event: a note of 2,000 characters and five names of 300, four bytes each.
LINE_BYTES_MAX: Final = 100_000
_TOLD_EVERY: Final = 1000


def export(write: Callable[[bytes], object], progress: Progress = no_progress) -> Digest:
    """Write every event of one snapshot, a line each; return the digest of what was written.

    Raises BrokenLog where an event has no position, since it would be left out.
    """
    with reading() as connection:
        return write_feed(connection, write, progress)


def write_feed(
    connection: Connection, write: Callable[[bytes], object], progress: Progress = no_progress
) -> Digest:
    """Do the same with what a transaction that is open already sees, such as a copy's."""
    running = RunningDigest()
    with closing(event_log.read_feed(connection)) as feed:
        event_log.require_complete_feed(connection)
        for stored in feed:
            write(f"{stored.body}\n".encode())
            running.add(text_hash(stored.body))
            if running.count % _TOLD_EVERY == 0:
                progress(running.count)
    return running.now()


def export_to(path: Path, progress: Progress = no_progress) -> Digest:
    """Export into a new file, which appears under its name only once it is whole and on the disk.

    Raises OSError, which is FileExistsError where there is a file of this name.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:  # such as a pipe, which must not be replaced by a file
            return export(device.write, progress)
    with atomic_file(path, replaces=False) as aside, aside.open("wb") as file:
        return export(file.write, progress)


def restore(path: Path, expected: Digest | None = None, progress: Progress = no_progress) -> Digest:
    """Read an archive into an empty ledger, all of it or nothing; return its digest.

    Raises LedgerNotEmpty, OSError, and BrokenArchive where a line is not sound, where there is none
    (a file that was cut to nothing looks like the archive of an empty ledger), or where the `expected`
    digest is not a prefix of the archive: whole histories that were left out, or lines
    of different credits that changed places, show in nothing else.
    """

    def action(transaction: Transaction) -> Digest:
        running = RunningDigest(expected)
        with path.open("rb") as file:
            try:
                event_log.restore(transaction, ArchiveReader(file, running, progress).read())
            except IntegrityError as error:
                # Nobody else writes here now, so this is not a lost race to be run again.
                reason = str(error.orig).splitlines()[0]
                raise BrokenArchive(f"The database refuses this history: {reason}") from error
        _require_families(transaction.connection)
        broken = running.broken_promise()
        if broken:
            raise BrokenArchive(f"This is not the expected history: {broken}.")
        if not running.count:
            raise BrokenArchive("This file has no events, so there is nothing to restore.")
        return running.now()

    return commit(action, is_exclusive=True)


def _require_families(connection: Connection) -> None:
    """Raise BrokenArchive where lots are not those of their split, or where two credits hold a number."""
    with collecting() as holdings:
        for keys in key_ranges(connection):
            for wrong in check_lineage(connection, keys):
                raise BrokenArchive(f"This history does not hold together. {wrong}.")
            holdings.add(serials_in(connection, keys))
        for twice in holdings.settle(fully_cancelled_credits(connection)):
            holder = ids_of(connection, [twice.holder])[twice.holder]
            # Into an empty ledger, so that a line's number is its event's position.
            raise BrokenArchive(f"Line {twice.position}: {twice.wrong(holder)}.")


def rebuild(progress: Progress = no_progress) -> int:
    """Drop everything derived and make it again from the log; return the number of events.

    All of it in one transaction, in which nobody else can write. Raises BrokenLog where the log
    cannot be read or contradicts itself: then everything stays as it was.
    """
    return commit(lambda transaction: rebuild_on(transaction.connection, progress), is_exclusive=True)


def rebuild_on(connection: Connection, progress: Progress = no_progress) -> int:
    """Do the same in a transaction that is open already, such as a migration's."""
    event_log.require_complete_feed(connection)
    try:
        with closing(event_log.read_feed(connection)) as feed:
            return rebuild_projections(connection, _positioned(feed), progress)
    except (IntegrityError, NoResultFound, KeyError) as error:
        raise BrokenLog("The events of the log contradict each other. `flask verify` says where.") from error


def _positioned(feed: Iterator[StoredEvent]) -> Iterator[PositionedEvent]:
    for stored in feed:
        try:
            event = read_event(stored.body)
            credit = stated_credit(event)
        except InvalidEvent as error:
            raise BrokenLog(f"The log cannot be read. Position {stored.position}: {error}.") from None
        yield PositionedEvent(stored.position, stored.key, event, credit)


class ArchiveReader:
    """Reads an archive line by line and refuses the first one that is not sound.

    It remembers the end of every credit's chain, every serial number and what was replaced, some
    hundred bytes each.
    A credit of which nothing is counted any more gives up its own. What lots hold, and
    numbers that are named twice, are looked at once all is written.
    """

    def __init__(self, file: BinaryIO, running: RunningDigest, progress: Progress) -> None:
        """Take the open file, and what is to be told about the events in it."""
        self._file = file
        self._running = running
        self._progress = progress
        self._links: dict[str, EventHead] = {}
        self._claims: set[bytes] = set()
        self._claim_of: dict[str, bytes] = {}
        self._families = SplitTrees()
        self._replaced: set[str] = set()

    def read(self) -> Iterator[Event]:
        """Yield the events. Raises BrokenArchive, which names the line and the reason."""
        lines = iter(lambda: self._file.readline(LINE_BYTES_MAX + 1), b"")
        for number, line in enumerate(lines, start=1):
            try:
                yield self._event(line)
            except InvalidEvent as error:
                raise BrokenArchive(f"Line {number}: {error}.") from None
            if number % _TOLD_EVERY == 0:
                self._progress(number)

    def _event(self, line: bytes) -> Event:
        if len(line) > LINE_BYTES_MAX:
            raise InvalidEvent("it is longer than any event")
        if not line.endswith(b"\n"):
            raise InvalidEvent("the file ends in the middle of it")
        try:
            event = read_event(line[:-1].decode())
        except UnicodeDecodeError:
            raise InvalidEvent("it is not UTF-8 text") from None
        credit = stated_credit(event)
        for wrong in chain_errors(self._links.get(event.credit_id), event):
            raise InvalidEvent(wrong)
        if credit is not None:
            self._claim(credit)
            self._replace(credit)
        if event.type is EventType.CANCELLED:
            for emptied in self._families.cancel(event.credit_id):
                self._claims.discard(self._claim_of.pop(emptied, b""))
        self._links[event.credit_id] = EventHead.of(event)
        self._running.add(event.hash)
        return event

    def _replace(self, credit: Credit) -> None:
        if credit.replaces in self._replaced:
            raise InvalidEvent(f"it replaces {credit.replaces}, which a credit before it replaces")
        if credit.replaces is not None:
            self._replaced.add(credit.replaces)

    def _claim(self, credit: Credit) -> None:
        if credit.parent is not None:
            self._families.add(credit.id, credit.parent)
        if credit.parent is not None or credit.serial_number is None:
            return
        keys = credit.canonical
        claim = sha256(f"{keys.registry}\n{keys.serial_number}".encode()).digest()
        if claim in self._claims:
            raise InvalidEvent(f"its serial number {credit.serial_number} is held by a credit before it")
        self._claims.add(claim)
        self._claim_of[credit.id] = claim
