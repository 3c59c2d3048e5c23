"""Tamper with a ledger as another client of the database, with the triggers removed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.fixtures.ledger import RawClient
from tests.ledger.triggers.rows import key_of
from webapp.domain.canonical_json import encode
from webapp.domain.event import text_hash
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.findings import Finding
from webapp.ledger.audit.verify import verify

Facts = dict[str, Any]


@contextmanager
def unguarded(raw: RawClient) -> Iterator[None]:
    """Drop the triggers and recreate them afterwards, so that only the edit remains to be found."""
    if raw.dialect == "postgresql":
        raw.execute("SET session_replication_role = replica")
        yield
        raw.execute("SET session_replication_role = origin")
        return
    triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("PRAGMA ignore_check_constraints = ON")
    yield
    for _, statement in triggers:
        raw.execute(statement)


def tamper(raw: RawClient, statement: str, *values: object) -> None:
    """Execute one statement that the triggers would refuse."""
    with unguarded(raw):
        raw.execute(statement, *values)


def rewrite(raw: RawClient, credit_id: str, seq: int, change: Callable[[Facts], object]) -> None:
    """Change the fields of an event and its hash, as a careful attacker would."""
    key = key_of(raw, credit_id)
    ((body,),) = raw.execute("SELECT body FROM events WHERE subject = ? AND seq = ?", key, seq)
    facts = json.loads(body)
    change(facts)
    put_text(raw, credit_id, seq, encode(facts))


def put_text(raw: RawClient, credit_id: str, seq: int, body: str) -> None:
    """Put another text in the place of an event's, with its hash."""
    tamper(
        raw,
        "UPDATE events SET body = ?, hash = ? WHERE subject = ? AND seq = ?",
        body,
        bytes.fromhex(text_hash(body)),
        key_of(raw, credit_id),
        seq,
    )


def findings(expected: Digest | None = None) -> list[str]:
    """Verify the ledger and return all findings as lines."""
    found: list[Finding] = []
    verify(found.append, expected)
    return [str(finding) for finding in found]


def digest() -> Digest:
    """Verify the ledger, which must have no findings, and return its digest."""
    found: list[Finding] = []
    kept = verify(found.append)
    assert not found
    assert kept is not None
    return kept
