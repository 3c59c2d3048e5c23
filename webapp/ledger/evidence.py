"""Find the acts that name a file as evidence, by its SHA-256."""

from dataclasses import dataclass
from typing import Final

from webapp.domain.evidence import files_in
from webapp.domain.lifecycle import EventType
from webapp.ledger import acts
from webapp.ledger.event_log import parse_stored
from webapp.ledger.projections import evidence_files
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading

# The most events that are looked at: an act on many credits names a file in each of its events.
EVENTS_MAX: Final = 1_000
_BODY: Final = (
    "SELECT events.body FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position = ?"
)


@dataclass(frozen=True)
class NamingAct:
    """An act that names a file: its position, what it did, when it was recorded, and the file's name there.

    The name may have been restated since; the act shows that.
    """

    position: int
    event_type: EventType
    recorded_at: str
    name: str


def acts_naming(sha256: str) -> list[NamingAct]:
    """Return the acts whose events name the file with this hash (64 lower-case hex digits), oldest first."""
    found: dict[int, NamingAct] = {}
    with reading() as connection:
        seen_to = 0
        for position in evidence_files.positions_of(connection, sha256, EVENTS_MAX):
            if position <= seen_to:
                continue
            ((body,),) = statements.fetch(connection, _BODY, position)
            event = parse_stored(body)
            name = next(file.name for file in files_in(event.data) if file.sha256 == sha256)
            act = acts.act_at(position)
            found.setdefault(act.position, NamingAct(act.position, event.type, event.recorded_at, name))
            seen_to = max(acted.event.position for acted in act.credits)
    return list(found.values())
