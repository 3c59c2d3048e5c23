"""JSON Schemas (2020-12) of request bodies and event data, made from the domain's tables of fields.

The tables are ``webapp.domain.credit.FIELDS`` and ``webapp.domain.event.ACTION_FIELDS``. They parse the
requests, so no rule of a field is stated twice. The schemas of answers are in ``schemas``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from webapp.domain.action_fields import (
    ACTION_FIELDS,
    CANCELLATION_FIELDS,
    PART_QUANTITY,
    RETIREMENT_FIELDS,
    REVERSAL_FIELDS,
    SALE_FIELDS,
)
from webapp.domain.amendment import AMENDABLE, AMENDS, WHY
from webapp.domain.credit import FIELDS, NEW_FIELDS
from webapp.domain.entry import ALIAS, FILENAME, PARTY_NAME
from webapp.domain.event import ACT_KEY, IMPORT_KEY, NUMBER_PATTERN
from webapp.domain.evidence import EVIDENCE_PATTERN, EvidenceField
from webapp.domain.facts import CREDIT_FACTS, FACTS, FACTS_OF
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
from webapp.domain.lifecycle import EventType
from webapp.domain.registry_names import REGISTRY_NAME
from webapp.domain.split import LOTS_MAX, LOTS_MIN
from webapp.domain.split_numbers import EXAMPLE, RANGES_MAX
from webapp.ledger.parties import MAIN_NAME

Schema = dict[str, Any]

REF_TEMPLATE: Final = "#/components/schemas/{name}"

SPLIT_EXAMPLE: Final[dict[str, object]] = {"quantities": [25, 75]}
AMENDMENT_EXAMPLE: Final[dict[str, object]] = {
    AMENDS: 2,
    "beneficiary": "Acme Airlines",
    WHY.name: "The name was misspelt",
}
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

ACT_EXAMPLE: Final[dict[str, object]] = {
    "action": "retire",
    "filter": {"registry": "VCS"},
    "order": "oldest_first",
    "quantity": 100,
    "data": {field.name: field.example for field in RETIREMENT_FIELDS if field.example},
    "dry_run": True,
}

_ID: Final[Schema] = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
# The member of a request to join names that accepts the pairs of records.
ACCEPTS_PAIRS: Final = "accepts_pairs"

# A quantity in the data of an event. It may be 0 as the offset of a lot.
_QUANTITY_TEXT: Final[Schema] = {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}

_IMPORT_NUMBER: Final[Schema] = {
    "type": "string",
    "pattern": f"^{NUMBER_PATTERN}$",
    "description": "The import that recorded it.",
}
_ACT_POSITION: Final[Schema] = {
    "type": "string",
    "pattern": f"^{NUMBER_PATTERN}$",
    "description": "The act on many records that recorded it, by the position of its first event.",
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
    """Return the schema of a field in an answer, where it is not null: a quantity is a number."""
    match field:
        case VintageField() | QuantityField():
            schema = _number(field)
        case _:
            schema = _rule(field)
    return _described(schema, field)


def as_event_data(field: Field) -> Schema:
    """Return the schema of a field in the data of an event: a quantity is text there."""
    match field:
        case QuantityField():
            schema: Schema = dict(_QUANTITY_TEXT)
        case VintageField():
            schema = _number(field)
        case _:
            schema = _rule(field)
    return _described(schema, field)


def input_object(fields: Sequence[Field]) -> Schema:
    """Return the schema of a request body that has these fields and no others."""
    required = [field.name for field in fields if field.required]
    return {
        "type": "object",
        "properties": {field.name: accepted(field) for field in fields},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def example(fields: Sequence[Field]) -> dict[str, object]:
    """Return an example of a request body, made of the fields' examples."""
    return {field.name: _example(field) for field in fields if field.example}


def part_quantity() -> Schema:
    """Return the schema of a lot's quantity in a request to split."""
    return accepted(replace(PART_QUANTITY, required=True, hint="Tonnes."))


def request_components() -> dict[str, Schema]:
    """Return the schemas of request bodies by name, without ``schemas.Split``."""
    correction = input_object(CANCELLATION_FIELDS)
    correction["properties"]["record"] = input_object(FIELDS)
    correction["required"].append("record")
    joined = input_object((REGISTRY_NAME, ALIAS))
    joined["properties"][ACCEPTS_PAIRS] = {
        "type": "boolean",
        "description": "Must be true where joining unites records with one serial number.",
    }
    return {
        "JoinedNames": joined,
        "SeparatedNames": input_object((REGISTRY_NAME, ALIAS)),
        "PartyNames": input_object((MAIN_NAME, PARTY_NAME)),
        "NewRecord": input_object(NEW_FIELDS),
        "Sale": input_object(SALE_FIELDS),
        "Reversal": input_object(REVERSAL_FIELDS),
        "Retirement": input_object(RETIREMENT_FIELDS),
        "Cancellation": input_object(CANCELLATION_FIELDS),
        "Correction": correction,
        "Amendment": _amendment(),
        "SplitByNumbers": _split_by_numbers(),
    }


def act_request(
    actions: Sequence[str], filters: Mapping[str, Schema], amended: Sequence[str], records_max: int
) -> Schema:
    """Return the schema of a request to act on many records. `filters` are the members of `filter`."""
    part = {"type": "object", "properties": {"id": _ID, "quantity": accepted(PART_QUANTITY)}}
    return {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(actions)},
            "records": {
                "type": "array",
                "minItems": 1,
                "maxItems": records_max,
                "items": {"anyOf": [_ID, {**part, "required": ["id"], "additionalProperties": False}]},
            },
            "filter": {"type": "object", "properties": dict(filters), "additionalProperties": False},
            "order": {"type": "string", "enum": ["oldest_first"], "description": "Of a filter."},
            "quantity": accepted(replace(PART_QUANTITY, hint="Tonnes to take out of the filter.")),
            "data": _act_data(),
            "amends": {
                "type": "string",
                "enum": list(amended),
                "description": "The type of the event that an amendment restates.",
            },
            "dry_run": {"type": "boolean", "description": "Only say what would be recorded."},
        },
        "required": ["action"],
        "additionalProperties": False,
    }


def _act_data() -> Schema:
    """Return the schema of the fields of any action on many records."""
    fields = {
        field.name: field
        for fields in (SALE_FIELDS, REVERSAL_FIELDS, RETIREMENT_FIELDS, CANCELLATION_FIELDS)
        for field in fields
        if field is not PART_QUANTITY
    }
    facts = {field.name: field for fields in FACTS_OF.values() for field in fields}
    properties = {name: _amendable(field) for name, field in fields.items()}
    properties |= {
        FACTS: _object({name: _amendable(field) for name, field in facts.items()}, []),
        WHY.name: accepted(WHY),
    }
    return {**_object(properties, []), "description": "The fields of the action, without its quantity."}


def _amendment() -> Schema:
    """Return the schema of a request to amend an event: the words of every event that can be amended."""
    words = {field.name: field for fields in AMENDABLE.values() for field in fields}
    facts = {field.name: field for fields in FACTS_OF.values() for field in fields}
    schema = _object({name: _amendable(field) for name, field in words.items()}, [AMENDS])
    schema["properties"] |= {
        AMENDS: {
            "type": ["integer", "string"],
            "description": "The `seq` of the event of this record whose words are restated.",
        },
        FACTS: _object({name: _amendable(field) for name, field in facts.items()}, []),
        WHY.name: accepted(WHY),
    }
    return schema


def _amendable(field: Field) -> Schema:
    return {**_or_removed(field), "type": ["string", "null"]}


def _split_by_numbers() -> Schema:
    return {
        "type": "object",
        "properties": {
            "numbers": {
                "type": "array",
                "items": {"type": "string", "examples": [EXAMPLE]},
                "minItems": 1,
                "maxItems": RANGES_MAX,
                "description": "Ranges of serial numbers of the record, each of which becomes a lot. What is "
                "left between them becomes lots too.",
            }
        },
        "required": ["numbers"],
        "additionalProperties": False,
    }


def data_name(kind: EventType) -> str:
    """Return the name of the schema of an event's data: "SaleReversedData" for SALE_REVERSED."""
    return f"{kind.title().replace('_', '')}Data"


def data_components() -> dict[str, Schema]:
    """Return the schemas of the events' data by name."""
    created = _event_data(NEW_FIELDS)
    created["properties"] |= {
        "parent": {
            "type": "string",
            "pattern": f"^{ID_PATTERN}$",
            "description": "The record that the lot was split from.",
        },
        "offset": {**_QUANTITY_TEXT, "description": "Where the lot begins in its parent, in tonnes."},
        FACTS: {"$ref": REF_TEMPLATE.format(name="CreditFacts")},
        IMPORT_KEY: _IMPORT_NUMBER,
    }
    quantities = {"type": "array", "minItems": LOTS_MIN, "maxItems": LOTS_MAX, "items": _QUANTITY_TEXT}
    return {
        "CreatedData": created,
        "CreditFacts": _facts(CREDIT_FACTS),
        **{data_name(action): _action_data(action) for action in ACTION_FIELDS},
        "SplitData": _object({"quantities": quantities}, ["quantities"]),
        "AmendedData": _amended_data(),
        "ImportedData": _imported_data(),
        "AliasData": _event_data([ALIAS]),
        "PartyNameData": _event_data([PARTY_NAME]),
    }


def _event_data(given: Sequence[Field]) -> Schema:
    # An event is on its whole record, so its data have no quantity of a part.
    fields = [field for field in given if field is not PART_QUANTITY]
    always = [field.name for field in fields if field.required]
    return _object({field.name: as_event_data(field) for field in fields}, always)


def _action_data(event_type: EventType) -> Schema:
    schema = _event_data(ACTION_FIELDS[event_type])
    schema["properties"] |= {ACT_KEY: _ACT_POSITION}
    if event_type in FACTS_OF:
        schema["properties"] |= {FACTS: _facts(FACTS_OF[event_type]), IMPORT_KEY: _IMPORT_NUMBER}
    return schema


def _amended_data() -> Schema:
    """Return the schema of an amendment's data: the keys of every event that can be amended."""
    fields = {field.name: field for fields in AMENDABLE.values() for field in fields}
    facts = {field.name: field for fields in FACTS_OF.values() for field in fields}
    amended = {
        AMENDS: {"type": "integer", "minimum": 1, "description": "The `seq` of the amended event."},
        **{name: _or_removed(field) for name, field in fields.items()},
        FACTS: _object({name: _or_removed(field) for name, field in facts.items()}, []),
        WHY.name: as_event_data(WHY),
        IMPORT_KEY: _IMPORT_NUMBER,
        ACT_KEY: _ACT_POSITION,
    }
    return _object(amended, [AMENDS])


def _imported_data() -> Schema:
    figure = {**_QUANTITY_TEXT, "description": "A count or tonnes, by its name."}
    properties = {
        FILENAME.name: as_event_data(FILENAME),
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    return _object(properties, list(properties)) | {"additionalProperties": figure}


def _facts(fields: Sequence[Field]) -> Schema:
    return _object({field.name: as_event_data(field) for field in fields}, [])


def _or_removed(field: Field) -> Schema:
    """Return the schema of an amended text, which is empty where the amendment removes it."""
    most = {"maxLength": field.max_length} if isinstance(field, TextField) else {}
    return {"type": "string", **most, "title": field.label}


def _object(properties: dict[str, Schema], required: Sequence[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _rule(field: Field) -> Schema:
    match field:
        case EvidenceField():
            return {"type": "string", "pattern": f"^{EVIDENCE_PATTERN}$", "maxLength": field.max_length}
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
