"""The JSON bodies that the API answers with: one Struct for each, which is also its OpenAPI schema.

``serializers`` and ``problems`` make the Structs. The rules of a record's fields come from the
domain's tables of fields (``field_schemas``).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from webapp.api import (
    act_schemas,
    balance_schemas,
    feed_schemas,
    health_schemas,
    integrity_schemas,
    log_schemas,
    party_schemas,
    registry_schemas,
    report_schemas,
)
from webapp.api.act_body import ACT_REQUEST
from webapp.api.field_schemas import (
    REF_TEMPLATE,
    Schema,
    data_components,
    part_quantity,
    request_components,
)
from webapp.api.schema_types import (
    AN_ID,
    Actor,
    Count,
    EventData,
    EventTypeText,
    Facts,
    FirstNumber,
    Hash,
    Holder,
    Id,
    IsInside,
    JsonBody,
    LastNumber,
    Message,
    Next,
    Number,
    Position,
    PreviousHash,
    Quantity,
    Seq,
    SerialNumber,
    SplitUrl,
    StatusText,
    Time,
    Timestamp,
    Tonnes,
    Url,
    of_field,
    one_of,
)
from webapp.domain.credit import REPLACES
from webapp.domain.split import LOTS_MAX, LOTS_MIN
from webapp.imports.background.job import Phase
from webapp.imports.staging import ROW_KINDS
from webapp.imports.views import State


class Split(JsonBody, frozen=True):
    quantities: Annotated[
        list[Annotated[Any, Meta(extra_json_schema=part_quantity())]],
        Meta(
            min_length=LOTS_MIN,
            max_length=LOTS_MAX,
            description="Tonnes of each lot, in order. They must add up to the whole record.",
        ),
    ]


class Lot(JsonBody, frozen=True):
    id: Id
    quantity: Quantity
    serial_number: SerialNumber
    status: StatusText
    url: Url


class Event(JsonBody, frozen=True):
    position: Position
    seq: Seq
    event_type: EventTypeText
    data: EventData
    actor: Actor
    recorded_at: Time
    timestamp: Timestamp
    prev_hash: PreviousHash
    hash: Hash


class AmendedEvent(JsonBody, frozen=True):
    seq: Seq
    data: EventData


class RecordSummary(JsonBody, frozen=True):
    id: Annotated[Id, Meta(description="Computed from the fields: equal credits have equal ids.")]
    project_name: Annotated[str, of_field("project_name")]
    registry: Annotated[str, of_field("registry")]
    vintage: Annotated[int, of_field("vintage")]
    quantity: Quantity
    serial_number: SerialNumber
    status: StatusText
    created_at: Time
    parent: Annotated[
        Hash | None, Meta(description="The record that it was split from; null if it is no lot.")
    ]
    offset: Annotated[
        Annotated[Tonnes, Meta(extra_json_schema={"type": "number", "minimum": 0})] | None,
        Meta(description="Where the lot begins in its parent, in tonnes."),
    ]
    replaces: Annotated[Hash | None, Meta(description=REPLACES.hint)]


class _RecordWithFacts(RecordSummary, frozen=True, kw_only=True):
    # By name only, because the members of the Structs below are required.
    facts: Facts | UnsetType = UNSET
    amended: (
        Annotated[
            list[AmendedEvent],
            Meta(description="The events that were amended, with their data as they are now."),
        ]
        | UnsetType
    ) = UNSET


class Record(_RecordWithFacts, frozen=True):
    lots: Annotated[list[Lot], Meta(description="The lots that it was split into, in order.")]
    replaced_by: Annotated[list[Id], Meta(description="The records that replace it.")]
    events: Annotated[list[Event], Meta(description="Its whole history, oldest first.")]


class ChangedRecord(Record, frozen=True):
    message: Message


class ActedRecord(ChangedRecord, frozen=True):
    rest: Annotated[
        Lot | None,
        Meta(description="The lot with the remaining tonnes; null if the action was on the whole record."),
    ]
    warnings: Annotated[
        list[str],
        Meta(
            description="What may be a mistake: a date before the vintage or before the sale, sold tonnes "
            "retired for someone other than the buyer, or a retired record whose serial number another one "
            "has under another name of the registry. It is recorded all the same."
        ),
    ]


class Lots(JsonBody, frozen=True):
    items: Annotated[list[RecordSummary], Meta(description="In order of their place in the parent.")]
    message: Message


class RecordPage(JsonBody, frozen=True):
    items: list[RecordSummary]
    next: Next


class PlanLine(JsonBody, frozen=True):
    kind: Annotated[str, Meta(extra_json_schema={"enum": ROW_KINDS})]
    rows: Count
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]


class ImportSummary(JsonBody, frozen=True):
    id: Number
    state: Annotated[str, one_of(State)]
    filename: str
    sha256: Hash
    size_bytes: Count
    actor: str
    uploaded_at: Time
    finished_at: Time | None
    message: Annotated[str | None, Meta(description="Why nothing was written.")]
    total: Annotated[Count, Meta(description="Rows in the file.")]
    new: Count
    existing: Annotated[Count, Meta(description="Rows already recorded, equal to another row, or left out.")]
    conflicting: Annotated[Count, Meta(description="Rows that the ledger or another row contradicts.")]
    invalid: Count
    written: Annotated[Count, Meta(description="Rows for which this import recorded at least one event.")]
    not_recorded: Annotated[
        tuple[str, ...], Meta(description="Fields of the file that a record does not have.")
    ]
    format: Annotated[str, Meta(description="The recognised format, empty for another file.")]
    plan: Annotated[
        list[PlanLine],
        Meta(
            description="What the file does, by kind; a row can be of several kinds. Together the tonnes "
            "are those of the file, apart from the kind `difference`."
        ),
    ]


class RowProblem(JsonBody, frozen=True):
    row: Number
    field: Annotated[str, Meta(description="Empty for the row as a whole.")]
    message: str
    holder: Holder | UnsetType = UNSET
    holder_url: Url | UnsetType = UNSET
    first: FirstNumber | UnsetType = UNSET
    last: LastNumber | UnsetType = UNSET
    is_inside: IsInside | UnsetType = UNSET
    split_url: SplitUrl | UnsetType = UNSET
    split: Split | UnsetType = UNSET


class Progress(JsonBody, frozen=True):
    phase: Annotated[str, one_of(Phase)]
    rows_done: Annotated[Count, Meta(description="Rows that are done in this phase.")]
    rows_all: Annotated[Count, Meta(description="Rows of this phase; an estimate while the file is read.")]
    rows_per_second: float | None
    seconds_left: Annotated[float | None, Meta(description="An estimate.")]


class Import(ImportSummary, frozen=True):
    problems: Annotated[list[RowProblem], Meta(description="A page of them, in order of the rows.")]
    next: Annotated[
        Url | None, Meta(description="The URL of the next page of problems, null on the last one.")
    ]
    progress: Annotated[
        Progress | UnsetType, Meta(description="Of a large file, which is worked on in the background.")
    ] = UNSET


class ImportPage(JsonBody, frozen=True):
    items: list[ImportSummary]
    next: Next


class ImportRow(JsonBody, frozen=True):
    row: Annotated[Count, Meta(description="The row in the file; 0 for a difference that no row names.")]
    kind: Annotated[str, Meta(extra_json_schema={"enum": ROW_KINDS})]
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]
    detail: str
    project_name: str | None
    serial_number: str | None
    record: Annotated[Id | None, Meta(description="The record that is created, acted on or already there.")]


class ImportRowPage(JsonBody, frozen=True):
    items: list[ImportRow]
    next: Next


class OpenAPI(msgspec.Struct):
    """This document."""


class Problem(JsonBody, frozen=True):
    """Problem details (RFC 9457)."""

    type: Annotated[Literal["about:blank"], Meta(extra_json_schema={"type": "string"})]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    request_id: Annotated[str, Meta(description="The id of the request, which the server's log names too.")]


class FailedCheck(JsonBody, frozen=True):
    name: Annotated[str, Meta(examples=["database"])]
    reason: str


class NotReady(Problem, frozen=True):
    failed: Annotated[list[FailedCheck], Meta(min_length=1, description="The checks that failed.")]


class FieldProblem(JsonBody, frozen=True):
    field: Annotated[str, Meta(description="Empty for the body as a whole.")]
    message: str


class InvalidFields(Problem, frozen=True):
    errors: Annotated[list[FieldProblem], Meta(description="Every problem that was found.")]


class SerialHeld(Problem, frozen=True):
    holder: Holder
    holder_url: Url


class BlockHeld(SerialHeld, frozen=True):
    first: FirstNumber
    last: LastNumber
    is_inside: IsInside
    split_url: SplitUrl | UnsetType = UNSET
    split: Split | UnsetType = UNSET


class CancelledBefore(Problem, frozen=True):
    replaces: Annotated[
        Id,
        Meta(
            description="The cancelled record, or the last of its replacements if that is cancelled too. "
            "To record the credit again, send it with this member."
        ),
    ]
    record_url: Url


class ReplacedBefore(Problem, frozen=True):
    replaced: Annotated[Id, Meta(description="The cancelled record.")]
    replaced_by: Annotated[Id, Meta(description="The record that replaced it.")]
    record_url: Url


class RecordMoved(Problem, frozen=True):
    seq: Annotated[Number, Meta(description="The number of the record's last event now.")]
    record_url: Url


class ActNotAllowed(Problem, frozen=True):
    record_status: StatusText
    since: Annotated[Time, Meta(description="The time since which it has this status.")]
    record_url: Url
    lots: Annotated[list[Lot], Meta(description="The lots of a split record.")] | UnsetType = UNSET


class RefusedRecord(JsonBody, frozen=True):
    record: Id
    record_status: StatusText
    detail: str


class ActsNotAllowed(Problem, frozen=True):
    refused: Annotated[
        list[RefusedRecord], Meta(description="The records that do not allow the act, at most 100.")
    ]


class TooManyRows(Problem, frozen=True):
    rows_max: Count | UnsetType = UNSET


_ANSWERS: Final = (
    *(
        RecordPage,
        ActedRecord,
        ChangedRecord,
        Record,
        Lots,
        act_schemas.Act,
        act_schemas.NamingActs,
        feed_schemas.EventPage,
        feed_schemas.FeedEvent,
        feed_schemas.FeedEntry,
        Import,
        ImportPage,
        ImportRowPage,
        *balance_schemas.ANSWERS,
        *registry_schemas.ANSWERS,
        *party_schemas.ANSWERS,
        *log_schemas.ANSWERS,
        *integrity_schemas.ANSWERS,
        *report_schemas.ANSWERS,
        *health_schemas.ANSWERS,
        OpenAPI,
    ),
    *(InvalidFields, BlockHeld, SerialHeld, CancelledBefore, ReplacedBefore, RecordMoved, ActNotAllowed),
    ActsNotAllowed,
    *(TooManyRows, NotReady, Problem),
)

PROBLEM_EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "NotReady": {"failed": [{"name": "database", "reason": "The database does not answer."}]},
    "InvalidFields": {"errors": [{"field": "vintage", "message": "This is required."}]},
    "SerialHeld": {"holder": AN_ID, "holder_url": f"/records/{AN_ID}"},
    "ActNotAllowed": {
        "record_status": "RETIRED",
        "since": "2026-11-20T16:50:00.000000Z",
        "record_url": f"/records/{AN_ID}",
    },
    "ActsNotAllowed": {"refused": [{"record": AN_ID, "record_status": "RETIRED", "detail": "Retired."}]},
    "RecordMoved": {"seq": 2, "record_url": f"/records/{AN_ID}"},
}


def components() -> dict[str, Schema]:
    """Return the schemas of the OpenAPI document by name."""
    _, answers = msgspec.json.schema_components(_ANSWERS, ref_template=REF_TEMPLATE)
    requests = {**request_components(), "ActRequest": ACT_REQUEST}
    return {**requests, **data_components(), **answers}
