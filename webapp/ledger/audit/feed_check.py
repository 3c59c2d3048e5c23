"""Check the feed: positions without gaps, its digest, the times, and who recorded what.

One process reads the feed in order of positions. Reads only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from webapp.domain.event import ACT_KEY, IMPORT_KEY, NUMBER_PATTERN
from webapp.ledger.audit.account_check import replayed
from webapp.ledger.audit.actor_check import RecordingCheck
from webapp.ledger.audit.digest import Digest, RunningDigest
from webapp.ledger.audit.findings import Finding, Report
from webapp.ledger.event_log import IN_ORDER_OF_TIME
from webapp.ledger.projections import feed_runs
from webapp.ledger.storage import statements

_PAGE: Final = 5_000
_BEFORE_ALL: Final = -(2**63)
_FEED: Final = (
    "SELECT feed.position, feed.subject, feed.seq, events.hash, events.body, credits.id"
    " FROM feed LEFT JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " LEFT JOIN credits ON events.hash IS NULL AND credits.key = feed.subject"
    " WHERE feed.position > ? ORDER BY feed.position LIMIT ?"
)
_MARK: Final = "SELECT max(position) FROM log_marks WHERE name = ?"
_RUNS: Final = "SELECT first_position, last_position, import_number, credits, quantity_e4 FROM feed_runs"
_QUANTITY: Final = (
    "SELECT sum(credits.quantity_e4) FROM feed JOIN credits ON credits.key = feed.subject"
    " WHERE feed.position BETWEEN ? AND ?"
)
# What names an import or an act in the text of an event: in a value, the first quote would be escaped.
_NAMED: Final = re.compile(rf'"({IMPORT_KEY}|{ACT_KEY})":"({NUMBER_PATTERN})"')
_KINDS: Final = ("credit", "subject")
_RECORDED_AT: Final = '"recorded_at":"'
_TIME_LENGTH: Final = len("2026-11-20T00:00:00.000000Z")


@dataclass
class FeedResult:
    """The digest of the feed, the findings, and how many events before the mark are not in order of time."""

    digest: Digest
    findings: list[Finding]
    early: int = 0


def check_feed(connection: Connection, expected: Digest | None) -> FeedResult:
    """Check that positions are 1, 2, 3, …, that each has its event, and that times are in order.

    Times must be in order from the position of the mark on, which the account log must explain, and each
    must be possible. Each actor must be one who could record then. A prefix must have the `expected` digest.
    """
    findings: list[Finding] = []
    running, position, time, runs, early = RunningDigest(expected), 0, "", _Runs(), 0
    mark = _mark(connection, findings.append)
    replay, _ = replayed(connection)  # whose findings are those of ``account_check``
    recording = RecordingCheck(replay)
    for row_position, subject, seq, event_hash, body, credit_id in _pages(connection):
        if row_position != position + 1:
            findings.append(Finding(f"position {row_position}", f"follows position {position}"))
        position = row_position
        if event_hash is None:
            about = f"credit {credit_id.hex()}" if credit_id else f"{_KINDS[subject < 0]} of key {subject}"
            wrong = f"its event is missing: {about}, event {seq}"
            findings.append(Finding(f"position {position}", wrong))
            continue
        running.add(event_hash.hex())
        runs.add(position, body)
        before, time = time, _recorded_at(body)
        findings += recording.wrongs(position, body, time)
        if mark is not None and time < before:
            wrong = f"it was recorded at {time}, before the previous event"
            early += position <= mark
            findings += [Finding(f"position {position}", wrong)] if position > mark else []
    if mark is not None and mark > position + 1:
        wrong = f"it is at position {mark}, but the feed ends at {position}"
        findings.append(Finding(f"mark {IN_ORDER_OF_TIME}", wrong))
    elif mark is not None and mark > max(1, replay.events_before + 1):
        wrong = f"it is at position {mark}, which nothing in the account log explains"
        findings.append(Finding(f"mark {IN_ORDER_OF_TIME}", wrong))
    if replay.events_before > position:
        wrong = f"it says that {replay.events_before} events were there, but the feed ends at {position}"
        findings.append(Finding("account log", wrong))
    broken = running.mismatch()
    if broken:
        findings.append(Finding("expected digest", broken))
    findings += runs.differences(connection)
    return FeedResult(running.now(), findings, early)


class _Runs:
    """The runs that table feed_runs must have, from the texts of the events in feed order."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int | None, int]] = []

    def add(self, position: int, body: str) -> None:
        """Add an event. Its text is searched, because ``history_check`` and ``entry_check`` parse it."""
        name = feed_runs.name_of(dict(_NAMED.findall(body)))
        if name is None:
            return
        if self._rows and name.continues(*self._rows[-1][:3], position):
            first, _, import_number, count = self._rows.pop()
            self._rows.append((first, position, import_number, count + 1))
        else:
            self._rows.append((position, position, name.import_number, 1))

    def differences(self, connection: Connection) -> list[Finding]:
        """Return how the table differs."""
        found = {row[0]: tuple(row) for row in statements.fetch(connection, _RUNS)}
        due = {
            row[0]: (*row, int(quantity_e4 or 0))
            for row in self._rows
            for ((quantity_e4,),) in [statements.fetch(connection, _QUANTITY, row[0], row[1])]
        }
        return [
            Finding(f"table feed_runs, {at}", f"is {found.get(at)}, but the log gives {due.get(at)}")
            for at in sorted(found.keys() | due.keys())
            if found.get(at) != due.get(at)
        ]


def _pages(connection: Connection) -> Iterator[statements.Row]:
    """Yield the rows of the feed, reading some thousand at a time."""
    after = _BEFORE_ALL
    while page := statements.fetch(connection, _FEED, after, _PAGE):
        yield from page
        after = page[-1][0]


def _mark(connection: Connection, report: Report) -> int | None:
    """Return the position from which the feed must be in order of time; None, reported, without a mark."""
    ((position,),) = statements.fetch(connection, _MARK, IN_ORDER_OF_TIME)
    if position is None:
        report(Finding(f"mark {IN_ORDER_OF_TIME}", "is missing from table log_marks"))
        return None
    return int(position)


def _recorded_at(body: str) -> str:
    """Return the time in the text of an event without parsing the text.

    It is the last occurrence, because only seq, subject, type and v follow it, where a quote is escaped.
    ``history_check`` and ``entry_check`` check the text.
    """
    return body.rpartition(_RECORDED_AT)[2][:_TIME_LENGTH]
