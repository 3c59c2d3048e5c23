"""JSON Schemas (2020-12) of the kinds of field, made from the objects that parse them.

So no rule of a field stands in two places. What is built of fields: ``schemas``.
"""

from collections.abc import Sequence
from typing import Any, Final

from webapp.domain.fields import (
    E4,
    ID_PATTERN,
    QUANTITY_MAX_E4,
    QUANTITY_PATTERN,
    VINTAGE_MAX,
    VINTAGE_MIN,
    VINTAGE_PATTERN,
    Field,
    IdField,
    PastDateField,
    QuantityField,
    TextField,
    VintageField,
)

Schema = dict[str, Any]

# A quantity in what is hashed. A lot may begin at 0.
QUANTITY_TEXT: Final[Schema] = {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}


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
            schema: Schema = dict(QUANTITY_TEXT)
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
        case IdField():
            return {"type": "string", "pattern": f"^{ID_PATTERN}$"}
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
