"""Rewrite a ledger as the owner of its database can: texts, hashes, chains, positions, projections, nodes.

The triggers are off meanwhile, and nothing that is left contradicts the new history. What lies outside the
database stays.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import unguarded
from webapp.domain.canonical_json import encode
from webapp.domain.event import NO_PREVIOUS_HASH, text_hash
from webapp.ledger import archive
from webapp.ledger.storage.log_tables import LOG
from webapp.ledger.storage.projection_tables import DERIVED
from webapp.ledger.storage.standing_tables import FOLLOWING

Facts = dict[str, Any]

_TEXTS = (
    "SELECT body FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " ORDER BY position"
)
_LEDGER = ("log_nodes", "checkpoints", "log_keys")


def history_of(raw: RawClient) -> list[Facts]:
    """Return the fields of all events in feed order."""
    return [json.loads(body) for (body,) in raw.execute(_TEXTS)]


def rewrite_history(raw: RawClient, change: Callable[[list[Facts]], object], folder: Path) -> None:
    """Put another history in the place of the present one, sound in itself."""
    history = history_of(raw)
    change(history)
    path = folder / "rewritten.ndjson"
    path.write_text("".join(f"{text}\n" for text in _chained(history)), encoding="utf-8")
    entries = raw.execute("SELECT * FROM account_log")
    emptied = (*reversed(LOG), *DERIVED, *FOLLOWING)
    with unguarded(raw):
        if raw.dialect == "sqlite":
            raw.execute("INSERT INTO credit_search (credit_search) VALUES ('delete-all')")
        for table in (*(table.name for table in emptied), *_LEDGER, "account_log"):
            raw.execute(f"DELETE FROM {table}")
        raw.execute("INSERT INTO log_marks VALUES ('in_order_of_time', 1)")
    archive.restore(path)
    with unguarded(raw):
        raw.execute("DELETE FROM account_log")
        raw.execute("DELETE FROM log_marks WHERE position > 1")
        for entry in entries:
            raw.execute("INSERT INTO account_log VALUES (?, ?, ?, ?, ?, ?)", *entry)


def _chained(history: list[Facts]) -> list[str]:
    """Return the texts, with `seq` and `prev_hash` as they follow in this order."""
    heads: dict[str, tuple[int, str]] = {}
    texts = []
    for facts in history:
        subject = facts.get("credit") or facts["subject"]
        seq, prev_hash = heads.get(subject, (0, NO_PREVIOUS_HASH))
        text = encode({**facts, "seq": seq + 1, "prev_hash": prev_hash})
        heads[subject] = (seq + 1, text_hash(text))
        texts.append(text)
    return texts
