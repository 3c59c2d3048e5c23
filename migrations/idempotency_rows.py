"""Convert the idempotency keys of revision 0008, which stored whole responses, to those of 0009.

The id of the credit or import is parsed from the response: from the JSON of the record, the `Location`
header, or the row of the page. The other values are read from the log.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from migrations.table_moves import Database, Row

TOKENS: Final = "/tokens"
CREATED: Final = 201
OK: Final = 200

_CREDIT: Final = re.compile("(?:/records/|/credits/|credit-)([0-9a-f]{64})")
_IMPORT: Final = re.compile("/imports/([0-9]{1,18})")
_KINDS: Final = {"SOLD": "sell", "RETIRED": "retire", "SPLIT": "split", "CANCELLED": "cancel"}


class KeptAnswer(NamedTuple):
    """A row of the old idempotency_keys, with the `Location` header and the decoded body."""

    actor: str
    key: str
    fingerprint: str
    made_at: str
    status: int
    location: str
    body: str

    @property
    def record(self) -> Mapping[str, Any]:
        """The JSON object in the body; empty if the body is not a JSON object."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


class Entry(NamedTuple):
    """An event of a credit: its position, its type and the decoded JSON of its text."""

    position: int
    type: str
    facts: Mapping[str, Any]


def unreadable_answers(database: Database) -> Iterator[str]:
    """Yield an error for each response without the id of a credit or import. Called before the move."""
    for answer in _answers(database, "idempotency_keys"):
        credit_id, number = _subject(answer)
        is_known = credit_id and database.find("SELECT 1 FROM credits WHERE id = ?", credit_id)
        if not (is_known or number or answer.location == TOKENS):
            yield f"idempotency key {answer.key} of {answer.actor}: its answer does not say what was done"


def converted_keys(database: Database) -> Iterator[Row]:
    """Yield the rows of the new table. Called after the log is moved."""
    for answer in _answers(database, "idempotency_keys_0008"):
        kind, status, ids, position = _outcome(database, answer)
        facts = (answer.actor, answer.key, answer.fingerprint, answer.made_at)
        yield *facts, kind, status, json.dumps(ids), position


def _answers(database: Database, table: str) -> Iterator[KeptAnswer]:
    for *facts, headers, body in database.rows(
        f"SELECT actor, key, fingerprint, made_at, status, headers, body FROM {table}"
    ):
        named = {name.lower(): value for name, value in json.loads(headers)}
        yield KeptAnswer(*facts, named.get("location", ""), bytes(body or b"").decode(errors="replace"))


def _subject(answer: KeptAnswer) -> tuple[str, str]:
    """Return the id of the credit, or the number of the import, that the response is about."""
    said = f"/records/{answer.record.get('id')} {answer.location} {answer.body}"
    credit, number = _CREDIT.search(said), _IMPORT.search(answer.location) or _IMPORT.search(answer.body)
    if number and (_IMPORT.search(answer.location) or credit is None):
        return "", number[1]
    return (credit[1] if credit else ""), ""


def _outcome(database: Database, answer: KeptAnswer) -> tuple[str, int, Sequence[str], int]:
    """Return the kind of the action, the HTTP status, the ids it created or changed, and its position."""
    if answer.location == TOKENS:
        return "token", OK, [], 0
    credit_id, number = _subject(answer)
    if number:
        return "import receive", OK, [number], database.value("SELECT coalesce(max(position), 0) FROM feed")
    return _act_on(database, answer, credit_id)


def _act_on(database: Database, answer: KeptAnswer, credit_id: str) -> tuple[str, int, Sequence[str], int]:
    history = _history(database, credit_id)
    stated = answer.record.get("events")
    if stated:
        position = max(event["position"] for event in stated)
        acts = [entry for entry in history if entry.position == position]
    else:
        # All events of a request have the same time, which is not before that of its key.
        later = [
            entry
            for entry in history
            if entry.facts["actor"] == answer.actor and entry.facts["recorded_at"] >= answer.made_at
        ]
        acts = [entry for entry in later if entry.facts["recorded_at"] == later[0].facts["recorded_at"]]
    is_recorded_before = not acts
    last = acts[-1] if acts else history[-1]
    position, ids = last.position, [credit_id]
    if last.type == "SPLIT":
        ((envelope,),) = database.find(
            "SELECT envelope FROM splits JOIN credits ON key = subject WHERE id = ?", bytes.fromhex(credit_id)
        )
        position += len(json.loads(envelope)) - 1
    elif last.type in {"SOLD", "RETIRED"}:
        ids += _rest(database, history, last)
    kind = _KINDS.get(last.type) or ("correct" if "replaces" in last.facts["data"] else "create")
    is_creation = not is_recorded_before and kind in {"create", "correct", "split"}
    status = answer.status if stated else CREATED if is_creation else OK
    return kind, status, ids, position


def _history(database: Database, credit_id: str) -> list[Entry]:
    found = database.find(
        "SELECT position, feed.type, body FROM credits JOIN feed ON feed.subject = key"
        " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
        " WHERE id = ? ORDER BY position",
        bytes.fromhex(credit_id),
    )
    return [Entry(position, event_type, json.loads(body)) for position, event_type, body in found]


def _rest(database: Database, history: Sequence[Entry], act: Entry) -> list[str]:
    """Return the id of the remaining lot if the action split its lot off, which has the same time."""
    parent, made_at = history[0].facts["data"].get("parent"), history[0].facts["recorded_at"]
    if parent is None or act.facts["recorded_at"] != made_at:
        return []
    lots = database.find(
        "SELECT own.id FROM credits AS own JOIN credits AS whole ON whole.key = own.parent WHERE whole.id = ?"
        " ORDER BY own.offset_e4",
        bytes.fromhex(parent),
    )
    others = [bytes(lot).hex() for (lot,) in lots if bytes(lot).hex() != history[0].facts["credit"]]
    return others if len(others) == 1 else []
