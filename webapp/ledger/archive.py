"""Export, restore and rebuild: the log as a file of event texts, one on each line, in feed order.

An archive has the bytes of the log, so the same log always gives the same file, and `sha256sum` can
recompute its hashes. It has no projections. A restore validates every line and fills the projections as
a rebuild does.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, NoResultFound

from webapp.domain.credit import Credit
from webapp.domain.entry import Entry, EntryHead
from webapp.domain.errors import BrokenArchive, BrokenLog
from webapp.domain.event import Event, EventHead, PositionedEvent, text_hash
from webapp.domain.event_validation import (
    InvalidEvent,
    chain_errors,
    entry_chain_errors,
    read_logged,
    stated_credit,
)
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
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.projections.apply import rebuild_projections
from webapp.ledger.storage.atomic_file import atomic_file
from webapp.ledger.storage.engine import reading

# Longer than any event: the facts of a credit have some 9,000 characters, at four bytes each.
LINE_BYTES_MAX: Final = 100_000
_PROGRESS_EVERY: Final = 1000


def export(write: Callable[[bytes], object], progress: Progress = no_progress) -> Digest:
    """Write every event of one snapshot as a line; return the digest of these events.

    Raises BrokenLog if an event has no position, because it would be missing from the archive.
    """
    with reading() as connection:
        return write_feed(connection, write, progress)


def write_feed(
    connection: Connection, write: Callable[[bytes], object], progress: Progress = no_progress
) -> Digest:
    """Export the feed that an open connection sees, such as that of a backup file. See `export`."""
    running = RunningDigest()
    with closing(event_log.read_feed(connection)) as feed:
        event_log.require_complete_feed(connection)
        for stored in feed:
            write(f"{stored.body}\n".encode())
            running.add(text_hash(stored.body))
            if running.count % _PROGRESS_EVERY == 0:
                progress(running.count)
    return running.now()


def export_to(path: Path, progress: Progress = no_progress) -> Digest:
    """Export to a new file, which is written atomically.

    Raises OSError; FileExistsError if the file exists.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:  # for example a pipe, which a file must not replace
            return export(device.write, progress)
    with atomic_file(path, replaces=False) as aside, aside.open("wb") as file:
        return export(file.write, progress)


def restore(path: Path, expected: Digest | None = None, progress: Progress = no_progress) -> Digest:
    """Restore an archive into an empty ledger in one transaction; return its digest.

    Raises LedgerNotEmpty, OSError, and BrokenArchive if a line is invalid, if the file is empty (it may
    have been truncated), or if the `expected` digest is not that of a prefix of the archive. Only the
    digest reveals that all events of a credit are missing, or that lines of two credits were swapped.
    """

    def action(transaction: Transaction) -> Digest:
        running = RunningDigest(expected)
        with path.open("rb") as file:
            try:
                event_log.restore(transaction, ArchiveReader(file, running, progress).read())
            except IntegrityError as error:
                # This transaction is exclusive, so this is not a lost race, which would be retried.
                reason = str(error.orig).splitlines()[0]
                raise BrokenArchive(f"The database refuses this history: {reason}") from error
        _require_consistent(transaction.connection)
        broken = running.mismatch()
        if broken:
            raise BrokenArchive(f"This is not the expected history: {broken}.")
        if not running.count:
            raise BrokenArchive("This file has no events, so there is nothing to restore.")
        return running.now()

    return commit(action, is_exclusive=True)


def _require_consistent(connection: Connection) -> None:
    """Raise BrokenArchive if lots do not match their split, or if two credits hold the same number."""
    with collecting() as holdings:
        for keys in key_ranges(connection):
            for wrong in check_lineage(connection, keys):
                raise BrokenArchive(f"This history is inconsistent. {wrong}.")
            holdings.add(serials_in(connection, keys))
        for twice in holdings.settle(fully_cancelled_credits(connection)):
            holder = ids_of(connection, [twice.holder])[twice.holder]
            # The ledger was empty, so the line number is the position.
            raise BrokenArchive(f"Line {twice.position}: {twice.wrong(holder)}.")


def rebuild(progress: Progress = no_progress) -> int:
    """Rebuild the projections from the log in one exclusive transaction; return the number of events.

    Raises BrokenLog if the log is damaged; then nothing is changed.
    """
    return commit(lambda transaction: rebuild_on(transaction.connection, progress), is_exclusive=True)


def rebuild_on(connection: Connection, progress: Progress = no_progress) -> int:
    """Rebuild in an open transaction, such as that of a migration. See `rebuild`."""
    event_log.require_complete_feed(connection)
    try:
        with closing(event_log.read_feed(connection)) as feed:
            return rebuild_projections(connection, _positioned(feed), progress)
    except (IntegrityError, NoResultFound, KeyError) as error:
        raise BrokenLog("The events of the log contradict each other. `flask verify` says where.") from error


def _positioned(feed: Iterator[StoredEvent]) -> Iterator[PositionedEvent | Entry]:
    for stored in feed:
        try:
            event = read_logged(stored.body)
            credit = None if isinstance(event, Entry) else stated_credit(event)
        except InvalidEvent as error:
            raise BrokenLog(f"The log cannot be read. Position {stored.position}: {error}.") from None
        if isinstance(event, Entry):
            yield event
        else:
            yield PositionedEvent(stored.position, stored.key, event, credit)


class ArchiveReader:
    """Reads an archive line by line and raises at the first invalid line.

    It keeps the head of each credit's chain, the serial numbers in use and the replaced credits in
    memory, some hundred bytes each. The serial numbers of lots, and overlapping blocks, are checked
    after the whole history is written (`_require_consistent`).
    """

    def __init__(self, file: BinaryIO, running: RunningDigest, progress: Progress) -> None:
        """Read from an open file. `running` gets the hash of each event, `progress` their number."""
        self._file = file
        self._running = running
        self._progress = progress
        self._links: dict[str, EventHead] = {}
        self._entries: dict[str, EntryHead] = {}
        self._claims: set[bytes] = set()
        self._claim_of: dict[str, bytes] = {}
        self._split_trees = SplitTrees()
        self._replaced: set[str] = set()

    def read(self) -> Iterator[Event | Entry]:
        """Yield the events. Raises BrokenArchive with the line number and the reason."""
        lines = iter(lambda: self._file.readline(LINE_BYTES_MAX + 1), b"")
        for number, line in enumerate(lines, start=1):
            try:
                yield self._event(line)
            except InvalidEvent as error:
                raise BrokenArchive(f"Line {number}: {error}.") from None
            if number % _PROGRESS_EVERY == 0:
                self._progress(number)

    def _event(self, line: bytes) -> Event | Entry:
        if len(line) > LINE_BYTES_MAX:
            raise InvalidEvent("it is longer than any event")
        if not line.endswith(b"\n"):
            raise InvalidEvent("the file ends in the middle of it")
        try:
            event = read_logged(line[:-1].decode())
        except UnicodeDecodeError:
            raise InvalidEvent("it is not UTF-8 text") from None
        self._follow_entry(event) if isinstance(event, Entry) else self._follow(event)
        self._running.add(event.hash)
        return event

    def _follow_entry(self, entry: Entry) -> None:
        for wrong in entry_chain_errors(self._entries.get(entry.subject), entry):
            raise InvalidEvent(wrong)
        self._entries[entry.subject] = EntryHead.of(entry)

    def _follow(self, event: Event) -> None:
        credit = stated_credit(event)
        for wrong in chain_errors(self._links.get(event.credit_id), event):
            raise InvalidEvent(wrong)
        if credit is not None:
            self._claim(credit)
            self._replace(credit)
        if event.type is EventType.CANCELLED:
            for fully_cancelled in self._split_trees.cancel(event.credit_id):
                self._claims.discard(self._claim_of.pop(fully_cancelled, b""))
        self._links[event.credit_id] = EventHead.after(self._links.get(event.credit_id), event)

    def _replace(self, credit: Credit) -> None:
        if credit.replaces in self._replaced:
            raise InvalidEvent(f"it replaces {credit.replaces}, which an earlier credit replaces")
        if credit.replaces is not None:
            self._replaced.add(credit.replaces)

    def _claim(self, credit: Credit) -> None:
        if credit.parent is not None:
            self._split_trees.add(credit.id, credit.parent)
        if credit.parent is not None or credit.serial_number is None:
            return
        claim = sha256("\n".join(credit.serial_claim).encode()).digest()
        if claim in self._claims:
            raise InvalidEvent(f"its serial number {credit.serial_number} is held by an earlier credit")
        self._claims.add(claim)
        self._claim_of[credit.id] = claim
