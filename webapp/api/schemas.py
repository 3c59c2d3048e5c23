"""JSON Schemas (2020-12) of what the API takes and gives.

Those of fields are made in ``field_schemas`` from the tables that parse them
(``webapp.domain.credit.FIELDS``, ``webapp.domain.event.ACTION_FIELDS``), so that no rule stands in
two places.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from webapp.api.field_schemas import (
    QUANTITY_TEXT,
    Schema,
    accepted,
    as_event_data,
    input_object,
    recorded,
)
from webapp.domain.credit import FIELDS, NEW_FIELDS, REPLACES
from webapp.domain.event import (
    ACTION_FIELDS,
    CANCELLATION_FIELDS,
    PART_QUANTITY,
    RETIREMENT_FIELDS,
    SALE_FIELDS,
)
from webapp.domain.fields import Field, PastDateField
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.split import LOTS_MAX, LOTS_MIN
from webapp.imports.views import State

_AN_ID: Final = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"
_HASH: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ID: Final[Schema] = {**_HASH, "examples": [_AN_ID]}
_TIME: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    "examples": ["2026-11-20T16:50:00.000000Z"],
}
_ADDRESS: Final[Schema] = {"type": "string", "format": "uri-reference"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}

_ID_OR_NULL: Final[Schema] = {**_HASH, "type": ["string", "null"]}

SPLIT_EXAMPLE: Final[dict[str, object]] = {"quantities": [25, 75]}
CORRECTION_EXAMPLE: Final[dict[str, object]] = {
    **{field.name: field.example for field in CANCELLATION_FIELDS if field.example},
    "record": {
        "project_name": "Mangrove Restoration Project",
        "registry": "VCS",
        "vintage": 2024,
        "quantity": 100,
        "serial_number": "VCS-0001",
    },
}

PROBLEM_EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "InvalidFields": {"errors": [{"field": "vintage", "message": "This is required."}]},
    "SerialHeld": {"holder": _AN_ID, "holder_url": f"/records/{_AN_ID}"},
    "ActNotAllowed": {
        "record_status": "RETIRED",
        "since": "2026-11-20T16:50:00.000000Z",
        "record_url": f"/records/{_AN_ID}",
    },
    "RecordMoved": {"seq": 2, "record_url": f"/records/{_AN_ID}"},
}


def components() -> dict[str, Schema]:
    """Return every schema that has a name."""
    return {**_requests(), **_records(), **_events(), **_imports(), **_problems()}


def _requests() -> dict[str, Schema]:
    correction = input_object(CANCELLATION_FIELDS)
    correction["properties"]["record"] = input_object(FIELDS)
    correction["required"].append("record")
    return {
        "NewRecord": input_object(NEW_FIELDS),
        "Sale": input_object(SALE_FIELDS),
        "Retirement": input_object(RETIREMENT_FIELDS),
        "Split": _split(),
        "Cancellation": input_object(CANCELLATION_FIELDS),
        "Correction": correction,
    }


def _records() -> dict[str, Schema]:
    summary = _summary_properties()
    record = {
        **summary,
        "lots": _list_of("Lot", "What it was split into, in order."),
        "replaced_by": {"type": "array", "items": _ID, "description": "What was recorded in its place."},
        "events": _list_of("Event", "Its whole history, oldest first."),
    }
    rest = {"anyOf": [{"$ref": "#/components/schemas/Lot"}, {"type": "null"}]}
    described = "The lot that was split off and stays, null where the act was on the whole."
    return {
        "RecordSummary": _object(summary),
        "Record": _object(record),
        "ActedRecord": _object({**record, "rest": {**rest, "description": described}}),
        "Lot": _object(_lot_properties()),
        "Lots": _object({"items": _list_of("RecordSummary", "In the order in which they lie.")}),
        "RecordPage": _object({"items": _list_of("RecordSummary"), "next": _next()}),
    }


def _events() -> dict[str, Schema]:
    return {
        "Event": _object(_event_properties()),
        "CreatedData": _created_data(),
        "SoldData": _event_data(ACTION_FIELDS[EventType.SOLD]),
        "RetiredData": _event_data(ACTION_FIELDS[EventType.RETIRED]),
        "SplitData": _object({"quantities": _quantities(QUANTITY_TEXT)}),
        "CancelledData": _event_data(ACTION_FIELDS[EventType.CANCELLED]),
        "FeedEvent": _object({"record_id": _ID, **_event_properties()}),
        "EventPage": _object({"items": _list_of("FeedEvent"), "next": _next(), "resume": _resume()}),
    }


def _imports() -> dict[str, Schema]:
    return {
        "Import": _object(
            {
                **_import_properties(),
                "problems": _list_of("RowProblem", "In the order of the rows, a page of them."),
                "next": _next("problems"),
            }
        ),
        "ImportSummary": _object(_import_properties()),
        "ImportPage": _object({"items": _list_of("ImportSummary"), "next": _next()}),
        "RowProblem": _row_problem(),
        "Health": _object({"status": {"type": "string", "const": "ok"}}),
        "OpenAPI": {"type": "object", "description": "This document."},
    }


def _object(properties: dict[str, Schema], optional: Sequence[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _list_of(name: str, description: str = "") -> Schema:
    schema: Schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    return {**schema, "description": description} if description else schema


def _next(what: str = "items") -> Schema:
    return {
        "type": ["string", "null"],
        "format": "uri-reference",
        "description": f"The address of the {what} that follow, null where there are none for now.",
    }


def _resume() -> Schema:
    return {
        **_ADDRESS,
        "description": "The address of what comes after these items, also where nothing does yet: "
        "keep it, come back to it, and miss nothing.",
    }


def _summary_properties() -> dict[str, Schema]:
    return {
        "id": {**_ID, "description": "It follows from the fields: equal credits have equal ids."},
        **{field.name: recorded(field) for field in FIELDS},
        "status": {"type": "string", "enum": list(Status)},
        "created_at": _TIME,
        "parent": {**_ID_OR_NULL, "description": "Of which record it is a lot; null where it is none."},
        "offset": {
            "type": ["number", "null"],
            "minimum": 0,
            "description": "Where in its parent it begins, in tonnes.",
        },
        REPLACES.name: {**_ID_OR_NULL, "description": REPLACES.hint},
    }


def _lot_properties() -> dict[str, Schema]:
    own = {field.name: recorded(field) for field in FIELDS if field.name in {"quantity", "serial_number"}}
    return {"id": _ID, **own, "status": {"type": "string", "enum": list(Status)}, "url": _ADDRESS}


def _split() -> Schema:
    schema = _object({"quantities": _quantities(accepted(replace(PART_QUANTITY, required=True)))})
    schema["properties"]["quantities"]["description"] = "Tonnes. They must add up to the whole."
    return schema


def _quantities(items: Schema) -> Schema:
    return {"type": "array", "minItems": LOTS_MIN, "maxItems": LOTS_MAX, "items": items}


def _created_data() -> Schema:
    schema = _event_data(NEW_FIELDS)
    schema["properties"] |= {
        "parent": {**_ID, "description": "Of which record it is a lot."},
        "offset": {**QUANTITY_TEXT, "description": "Where in its parent it begins."},
    }
    return schema


def _event_properties() -> dict[str, Schema]:
    data = [{"$ref": f"#/components/schemas/{kind.capitalize()}Data"} for kind in EventType]
    return {
        "position": {"type": "integer", "minimum": 1, "description": "Its place in the feed."},
        "seq": {"type": "integer", "minimum": 1, "description": "Its place in its record's history."},
        "event_type": {"type": "string", "enum": list(EventType)},
        "data": {"anyOf": data, "description": "As hashed: what is absent is left out."},
        "actor": {"type": "string", "examples": ["local"]},
        "recorded_at": _TIME,
        "prev_hash": {**_HASH, "description": "Of the event before it; 64 zeros for the first."},
        "hash": _HASH,
    }


def _event_data(given: Sequence[Field]) -> Schema:
    """An act is on all of its record, so it does not state how much that is."""
    fields = [field for field in given if field is not PART_QUANTITY]
    always = [field.name for field in fields if field.required or isinstance(field, PastDateField)]
    return {
        "type": "object",
        "properties": {field.name: as_event_data(field) for field in fields},
        "required": always,
        "additionalProperties": False,
    }


def _import_properties() -> dict[str, Schema]:
    return {
        "id": {"type": "integer", "minimum": 1},
        "state": {"type": "string", "enum": list(State)},
        "filename": {"type": "string"},
        "sha256": _HASH,
        "size_bytes": _COUNT,
        "actor": {"type": "string"},
        "uploaded_at": _TIME,
        "finished_at": {**_TIME, "type": ["string", "null"]},
        "message": {"type": ["string", "null"], "description": "Why nothing was written."},
        "total": {**_COUNT, "description": "Rows in the file."},
        "new": _COUNT,
        "existing": {**_COUNT, "description": "Rows recorded already, or equal to a row before."},
        "conflicting": {**_COUNT, "description": "Rows whose serial number another record holds."},
        "invalid": _COUNT,
        "written": {**_COUNT, "description": "Records that this import recorded."},
        "not_recorded": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Fields in the file that a record does not have.",
        },
    }


def _row_problem() -> Schema:
    return _object(
        {
            "row": {"type": "integer", "minimum": 1},
            "field": {"type": "string", "description": "Empty where it is the row as a whole."},
            "message": {"type": "string"},
            "holder": {**_ID, "description": "The record that holds the serial number."},
            "holder_url": _ADDRESS,
            **_held_numbers(),
        },
        optional=["holder", "holder_url", *_held_numbers()],
    )


def _held_numbers() -> dict[str, Schema]:
    return {
        "first": {**_COUNT, "description": "The first of the numbers in common."},
        "last": {**_COUNT, "description": "The last of them."},
        "is_inside": {"type": "boolean", "description": "Whether the holder has every number of the block."},
        "split_url": {**_ADDRESS, "description": "Where to post `split`, to make the block a lot."},
        "split": {"$ref": "#/components/schemas/Split"},
    }


def _problems() -> dict[str, Schema]:
    """Return problem details as RFC 9457 has them, and with what this ledger adds to some."""
    basic: dict[str, Schema] = {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
    }
    field_problem = _object(
        {
            "field": {"type": "string", "description": "Empty where it is the body as a whole."},
            "message": {"type": "string"},
        }
    )
    serial_held = {"holder": {**_ID, "description": "Who holds it."}, "holder_url": _ADDRESS}
    not_allowed = {
        "record_status": {"type": "string", "enum": list(Status)},
        "since": {**_TIME, "description": "When it became that."},
        "record_url": _ADDRESS,
        "lots": _list_of("Lot", "Where it was split: what it has become."),
    }
    block_held = {
        **serial_held,
        **_held_numbers(),
    }
    cancelled_before = {
        "replaces": {
            **_ID,
            "description": "The cancelled one, or the last that replaced it and is cancelled as well. "
            "Send the same record with this member.",
        },
        "record_url": _ADDRESS,
    }
    replaced_before = {
        "replaced": {**_ID, "description": "The cancelled one."},
        "replaced_by": {**_ID, "description": "The record that stands in its place."},
        "record_url": _ADDRESS,
    }
    moved = {
        "seq": {"type": "integer", "minimum": 1, "description": "The number of its last event now."},
        "record_url": _ADDRESS,
    }
    return {
        "Problem": _object(basic),
        "FieldProblem": field_problem,
        "InvalidFields": _object({**basic, "errors": _list_of("FieldProblem", "Every one of them.")}),
        "SerialHeld": _object({**basic, **serial_held}),
        "BlockHeld": _object({**basic, **block_held}, optional=["split_url", "split"]),
        "CancelledBefore": _object({**basic, **cancelled_before}),
        "ReplacedBefore": _object({**basic, **replaced_before}),
        "RecordMoved": _object({**basic, **moved}),
        "ActNotAllowed": _object({**basic, **not_allowed}, optional=["lots"]),
        "TooManyRows": _object({**basic, "rows_max": _COUNT}, optional=["rows_max"]),
    }
