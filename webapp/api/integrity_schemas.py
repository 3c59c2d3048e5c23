"""The answers about checks of the whole ledger. See ``schemas``."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from webapp.api.schema_types import Actor, Count, Hash, JsonBody, Next, Number, Time, one_of
from webapp.ledger.integrity import Check, FindingKind


class CheckState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    SOUND = "sound"
    FINDINGS = "findings"
    FAILED = "failed"


class CheckFinding(JsonBody, frozen=True):
    kind: Annotated[str, one_of(FindingKind)]
    place: Annotated[str, Meta(description="Where: a record, a position, a table.", examples=["position 7"])]
    wrong: Annotated[str, Meta(description="What is wrong there.", examples=["follows position 5"])]


class IntegrityCheck(JsonBody, frozen=True):
    id: Number
    state: Annotated[
        str,
        one_of(CheckState),
        Meta(
            description="`failed`: it could not be completed; `failure` says why. `sound`: nothing is wrong."
        ),
    ]
    actor: Actor
    asked_at: Time
    began_at: Time | None
    finished_at: Time | None
    events_done: Annotated[Count, Meta(description="How many of `events_all` are checked so far.")]
    events_all: Count
    events: Annotated[Count | None, Meta(description="The number of events that the digest is over.")]
    digest: Annotated[
        Hash | None, Meta(description="The digest of the log. Keep it where this ledger cannot be changed.")
    ]
    findings: Annotated[Count, Meta(description="The number of findings.")]
    shown: Annotated[list[CheckFinding], Meta(description="The first 100 of them.")]
    failure: str | None


class CheckPage(JsonBody, frozen=True):
    events: Annotated[Count, Meta(description="The number of events of the ledger now.")]
    items: list[IntegrityCheck]
    next: Next


ANSWERS: Final = (IntegrityCheck, CheckPage, CheckFinding)


def check_body(check: Check) -> IntegrityCheck:
    """Return a check with its progress and its result."""
    return IntegrityCheck(
        check.id,
        check.state,
        check.actor,
        check.asked_at,
        check.began_at,
        check.finished_at,
        check.events_done,
        check.events_all,
        check.digest.events if check.digest else None,
        check.digest.sha256 if check.digest else None,
        check.findings,
        [CheckFinding(each.kind, each.place, each.wrong) for each in check.shown],
        check.failure,
    )
