"""The proof of a statement: the texts of its events, and what shows that they are in a signed log.

A proof document needs nothing else of the ledger: ``verify_statement.py``, or the page /verify, reads out of
it what was retired. "Proof" in docs/reports.md describes it; decision 0096 has the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webapp.domain.amendment import WHY
from webapp.domain.canonical_json import encode
from webapp.domain.errors import LogNotSigned, UnknownProof
from webapp.domain.event_validation import read_event
from webapp.domain.signed_note import Checkpoint, Note, VerifierKey
from webapp.ledger import proving_events
from webapp.ledger.proving_events import ProvingEvent
from webapp.ledger.transparency import checkpoints, destinations, tree
from webapp.ledger.transparency.checkpoints import NotSignedYet, Refused, State
from webapp.statements.content import Statement

KIND: Final = "carbon-credit-ledger/retirement-proof"
VERSION: Final = 1
# Strangers read these too, so no sentence names a folder of this host. The page Integrity has all of it.
_NO_PROOF: Final = {
    State.NO_KEY: "this host does not have the log's key. If another host signs, ask again in seconds.",
    State.BEHIND: "events that were signed are missing here. Nothing more is signed until they are back.",
    State.FORKED: "the log here is not the one that was signed. Nothing more is signed.",
    State.UNUSABLE: "this host cannot use the log's key, or the last checkpoint beside it.",
}
NOT_KEPT: Final = "No checkpoint of this size was signed. Ask for the size of a signed checkpoint."
TOO_EARLY: Final = "The checkpoint of this size was signed before the retirement was recorded."


@dataclass(frozen=True)
class Proof:
    """The events of a retirement, and a checkpoint that includes them.

    `note` has the lines of those signatures that `keys` made, in their order; the log's own is the first.
    """

    checkpoint: Checkpoint
    note: str
    keys: Sequence[VerifierKey]
    events: Sequence[ProvingEvent]

    @property
    def key(self) -> str:
        """The log's key, as people exchange it."""
        return str(self.keys[0])

    @property
    def document(self) -> bytes:
        """The proof document in its one byte form."""
        paths = tree.inclusions([event.position for event in self.events], self.checkpoint.size)
        entries = [
            {
                "path": [sibling.hex() for sibling in paths[event.position]],
                "position": event.position,
                "text": event.text,
            }
            for event in self.events
        ]
        document = {
            "checkpoint": self.note,
            "entries": entries,
            "keys": [str(key) for key in self.keys],
            "kind": KIND,
            "version": VERSION,
        }
        return f"{encode(document)}\n".encode()


@dataclass(frozen=True)
class Disclosed:
    """What the texts of a proof say that the statement does not: each different value once."""

    actors: Sequence[str]
    notes: Sequence[str]
    whys: Sequence[str]


def proof_of(statement: Statement, size: int | None = None) -> Proof:
    """Return the proof by the last checkpoint, or by that of this size.

    What the statement says and what the proof says are read in one transaction. Signs a checkpoint if none
    includes the events yet. Raises LogNotSigned (NotSignedYet if another host may sign), and UnknownProof
    for a size without a checkpoint.
    """
    events, retired = _events_of(statement), statement.act.credits[-1].event.position
    if size is None:
        try:
            signed = checkpoints.covering(events[-1].position)
        except LogNotSigned as refused:
            raise _without_details(refused) from None
    else:
        found = checkpoints.at_size(size)
        if found is None:
            raise UnknownProof(NOT_KEPT)
        if retired > size:
            raise UnknownProof(TOO_EARLY)
        signed = found
        events = [event for event in events if event.position <= size]
    note, keys = _judged(signed.note)
    return Proof(signed.checkpoint, note, keys, events)


def _without_details(refused: LogNotSigned) -> LogNotSigned:
    """Return the error without what names keys and folders of this host."""
    state = refused.state if isinstance(refused, Refused) else State.UNUSABLE
    kind = NotSignedYet if state is State.NO_KEY else LogNotSigned
    return kind(f"The statement has no proof now, because {_NO_PROOF[state]}")


def proof_or_none(statement: Statement) -> Proof | None:
    """Return the proof by the last checkpoint; None where the log cannot be signed now."""
    try:
        return proof_of(statement)
    except LogNotSigned:
        return None


def disclosed_by(statement: Statement) -> Disclosed:
    """Return what a proof of the statement says beside it."""
    events = [read_event(event.text) for event in _events_of(statement)]
    notes, whys = (
        dict.fromkeys(str(event.data[name]) for event in events if event.data.get(name))
        for name in ("note", WHY.name)
    )
    return Disclosed(list(dict.fromkeys(event.actor for event in events)), list(notes), list(whys))


def _events_of(statement: Statement) -> list[ProvingEvent]:
    return proving_events.of_retirements([acted.event.position for acted in statement.act.credits])


def _judged(note: str) -> tuple[str, list[VerifierKey]]:
    """Return the note with the signatures whose keys are known, and these keys: one for each line."""
    parsed, known = Note.parse(note), dict.fromkeys([*checkpoints.keys(), *destinations.witness_keys()])
    pairs = [(signature, key) for signature in parsed.signatures for key in known if key.made(signature)]
    return str(Note(parsed.text, tuple(signature for signature, _ in pairs))), [key for _, key in pairs]
