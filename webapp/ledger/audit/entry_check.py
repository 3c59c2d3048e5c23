"""Check the entries of the log about other subjects than credits, and the table of subjects.

That is the chain of each subject, each entry against its text and its hash, its position, and the name of
the subject. Reads only.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from webapp.domain.entry import EntryHead
from webapp.domain.event import text_hash
from webapp.domain.event_validation import InvalidEvent, entry_chain_errors, read_entry
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding
from webapp.ledger.storage import statements
from webapp.ledger.storage.statements import Row

_ENTRIES: Final = (
    "SELECT events.subject, events.seq, events.type, events.hash, events.body, feed.position, feed.type"
    " FROM events LEFT JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE events.subject BETWEEN ? AND ? AND events.subject < 0 ORDER BY events.subject, events.seq"
)
_SUBJECTS: Final = "SELECT key, name FROM subjects WHERE key BETWEEN ? AND ?"


def check_entries(connection: Connection, keys: KeyRange) -> list[Finding]:
    """Check the entries of a range of keys. Only negative keys have any."""
    if keys.first >= 0:
        return []
    names = {key: str(name) for key, name in statements.fetch(connection, _SUBJECTS, *keys)}
    findings: list[Finding] = []
    for key, rows in groupby(statements.fetch(connection, _ENTRIES, *keys), key=itemgetter(0)):
        name = names.pop(key, None)
        if name is None:
            findings.append(Finding(f"subject of key {key}", "its row in table subjects is missing"))
        findings += _wrong_entries(f"subject {name or f'of key {key}'}", name, list(rows))
    wrong = "table subjects has a row, but there are no events about it"
    return findings + [Finding(f"subject {name}", wrong) for name in names.values()]


def _wrong_entries(place: str, name: str | None, rows: list[Row]) -> Iterator[Finding]:
    """Yield what is wrong with the entries of one subject."""
    last: EntryHead | None = None
    before = 0
    for _, seq, kind, digest, body, position, placed_kind in rows:
        for wrong in _wrongs(last, name, (seq, kind, digest, body)):
            yield Finding(f"{place}, event {seq}", wrong)
        if position is None:
            yield Finding(f"{place}, event {seq}", "it has no position in the feed")
        elif position <= before:
            wrong = f"its position {position} is not after that of the event before it, {before}"
            yield Finding(f"{place}, event {seq}", wrong)
        if position is not None and placed_kind != kind:
            yield Finding(f"position {position}", f"it says {placed_kind}, but its event is {kind}")
        before = position or before
        last = EntryHead(seq, digest.hex(), _recorded_at(body) or (last.recorded_at if last else ""))


def _wrongs(last: EntryHead | None, name: str | None, row: tuple[int, str, bytes, str]) -> Iterator[str]:
    """Yield what is wrong with an entry, given the one before it and its subject's name."""
    seq, kind, digest, body = row
    if text_hash(body) != digest.hex():
        yield "its hash is not the hash of its text"
    try:
        entry = read_entry(body)
    except InvalidEvent as error:
        yield str(error)
        return
    if name is not None and entry.subject != name:
        yield f"its text is about another subject, {entry.subject}"
    if entry.seq != seq:
        yield "column seq does not match its text"
    if entry.type != kind:
        yield "column type does not match its text"
    yield from entry_chain_errors(last, entry)


def _recorded_at(body: str) -> str:
    """Return the time in the text of an entry; empty if the text is not readable."""
    try:
        return read_entry(body).recorded_at
    except InvalidEvent:
        return ""
