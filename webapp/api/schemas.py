"""JSON Schemas (2020-12) of what the API takes and gives.

Those of fields are made from the tables that parse them (``webapp.domain.credits.FIELDS``,
``webapp.domain.events.ACT_FIELDS``), so that no rule stands in two places.
"""

from collections.abc import Sequence
from typing import Any, Final

from webapp.domain.credits import FIELDS
from webapp.domain.events import ACT_FIELDS, RETIREMENT_FIELDS, SALE_FIELDS
from webapp.domain.fields import (
    E4,
    QUANTITY_MAX_E4,
    QUANTITY_PATTERN,
    VINTAGE_MAX,
    VINTAGE_MIN,
    VINTAGE_PATTERN,
    Field,
    PastDateField,
    QuantityField,
    TextField,
    VintageField,
)
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.imports import State

Schema = dict[str, Any]

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

PROBLEM_EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "InvalidFields": {"errors": [{"field": "vintage", "message": "This is required."}]},
    "SerialHeld": {"holder": _AN_ID, "holder_url": f"/records/{_AN_ID}"},
    "ActNotAllowed": {
        "record_status": "RETIRED",
        "since": "2026-11-20T16:50:00.000000Z",
        "record_url": f"/records/{_AN_ID}",
    },
}


def accepted(field: Field) -> Schema:
    """Return the schema of a field in a request."""
    schema = _rule(field)
    if not field.required:
        if "anyOf" in schema:
            schema["anyOf"].append({"type": "null"})
        else:
            schema["type"] = [schema["type"], "null"]
    return _described(schema, field)


def recorded(field: Field) -> Schema:
    """Return the schema of a field in an answer: numbers are numbers, a missing text is null."""
    match field:
        case VintageField() | QuantityField():
            schema = _number(field)
        case _:
            schema = _rule(field)
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    return _described(schema, field)


def as_event_data(field: Field) -> Schema:
    """Return the schema of a field in the data of an event, which is hashed: a quantity is text."""
    match field:
        case QuantityField():
            schema: Schema = {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}
        case VintageField():
            schema = _number(field)
        case _:
            schema = _rule(field)
    return _described(schema, field)


def input_object(fields: Sequence[Field]) -> Schema:
    """Return the schema of a request's body with these fields, any other being refused."""
    required = [field.name for field in fields if field.required]
    return {
        "type": "object",
        "properties": {field.name: accepted(field) for field in fields},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def example(fields: Sequence[Field]) -> dict[str, object]:
    """Return an example of a request's body, from those of the fields."""
    return {field.name: _example(field) for field in fields if field.example}


def components() -> dict[str, Schema]:
    """Return every schema that has a name."""
    summary = _summary_properties()
    record = {**summary, "events": _list_of("Event", "Its whole history, oldest first.")}
    return {
        "NewRecord": input_object(FIELDS),
        "Sale": input_object(SALE_FIELDS),
        "Retirement": input_object(RETIREMENT_FIELDS),
        "RecordSummary": _object(summary),
        "Record": _object(record),
        "RecordPage": _object({"items": _list_of("RecordSummary"), "next": _next()}),
        "Event": _object(_event_properties()),
        "CreatedData": _event_data(FIELDS),
        "SoldData": _event_data(ACT_FIELDS[EventType.SOLD]),
        "RetiredData": _event_data(ACT_FIELDS[EventType.RETIRED]),
        "FeedEvent": _object({"record_id": _ID, **_event_properties()}),
        "EventPage": _object({"items": _list_of("FeedEvent"), "next": _next(), "resume": _resume()}),
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
        **_problems(),
    }


def _rule(field: Field) -> Schema:
    match field:
        case TextField():
            least = {"minLength": 1} if field.required else {}
            return {"type": "string", **least, "maxLength": field.max_length}
        case VintageField():
            text = {"type": "string", "pattern": f"^{VINTAGE_PATTERN}$"}
            return {"anyOf": [_number(field), text]}
        case QuantityField():
            text = {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}
            return {"anyOf": [_number(field), text]}
        case PastDateField():
            return {"type": "string", "format": "date"}
        case _:
            raise TypeError(f"{type(field).__name__} has no schema")


def _number(field: VintageField | QuantityField) -> Schema:
    if isinstance(field, VintageField):
        return {"type": "integer", "minimum": VINTAGE_MIN, "maximum": VINTAGE_MAX}
    return {"type": "number", "exclusiveMinimum": 0, "maximum": QUANTITY_MAX_E4 // E4}


def _described(schema: Schema, field: Field) -> Schema:
    schema["title"] = field.label
    if field.hint:
        schema["description"] = field.hint
    if field.example:
        schema["examples"] = [_example(field)]
    return schema


def _example(field: Field) -> object:
    is_number = isinstance(field, VintageField | QuantityField)
    return int(field.example) if is_number else field.example


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
    }


def _event_properties() -> dict[str, Schema]:
    data = [{"$ref": f"#/components/schemas/{name}Data"} for name in ("Created", "Sold", "Retired")]
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


def _event_data(fields: Sequence[Field]) -> Schema:
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
        },
        optional=["holder"],
    )


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
    }
    return {
        "Problem": _object(basic),
        "FieldProblem": field_problem,
        "InvalidFields": _object({**basic, "errors": _list_of("FieldProblem", "Every one of them.")}),
        "SerialHeld": _object({**basic, **serial_held}),
        "ActNotAllowed": _object({**basic, **not_allowed}),
        "TooManyRows": _object({**basic, "rows_max": _COUNT}, optional=["rows_max"]),
    }
