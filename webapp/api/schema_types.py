"""The types of the members of ``schemas``: each rule and description is stated here once."""

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from webapp.api.field_schemas import (
    REF_TEMPLATE,
    data_name,
    recorded,
)
from webapp.domain.credit import FIELDS
from webapp.domain.lifecycle import EventType, Status

AN_ID: Final = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"
_FIELDS: Final = {field.name: field for field in FIELDS}


def of_field(name: str) -> Meta:
    """Return the rule of a record's field in an answer."""
    return Meta(extra_json_schema=recorded(_FIELDS[name]))


def one_of(choices: type[StrEnum]) -> Meta:
    # An Enum as the type would be sorted by its values.
    return Meta(extra_json_schema={"enum": list(choices)})


Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Id = Annotated[Hash, Meta(examples=[AN_ID])]
Time = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        examples=["2026-11-20T16:50:00.000000Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
# Scripts of other programs read an event's time under this name.
Timestamp = Annotated[Time, Meta(description="The same as `recorded_at`.")]
Message = Annotated[str, Meta(description="What was done, in a few words.", examples=["Record retired"])]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
# Tonnes are written as the exact decimal text of the ledger, never through a float.
Tonnes = msgspec.Raw
Quantity = Annotated[Tonnes, of_field("quantity")]
SerialNumber = Annotated[str, of_field("serial_number")] | None
StatusText = Annotated[str, one_of(Status)]
EventData = Annotated[
    Any,
    Meta(
        description="The data as hashed: absent values are left out.",
        extra_json_schema={
            "anyOf": [{"$ref": REF_TEMPLATE.format(name=data_name(kind))} for kind in EventType]
        },
    ),
]
Facts = Annotated[
    Any,
    Meta(
        description="The facts beside its identity as they are now, if there are any; of a lot, its root's.",
        extra_json_schema={"$ref": REF_TEMPLATE.format(name="CreditFacts")},
    ),
]
Position = Annotated[Number, Meta(description="The position in the feed.")]
Seq = Annotated[Number, Meta(description="The number in the record's own history.")]
EventTypeText = Annotated[str, one_of(EventType)]
Actor = Annotated[str, Meta(examples=["local"])]
PreviousHash = Annotated[
    Hash, Meta(description="The hash of the record's previous event; 64 zeros for the first.")
]
Holder = Annotated[Id, Meta(description="The record that holds the serial number.")]
FirstNumber = Annotated[Count, Meta(description="The first number in common.")]
LastNumber = Annotated[Count, Meta(description="The last number in common.")]
IsInside = Annotated[bool, Meta(description="Whether the holder has every number of the block.")]
SplitUrl = Annotated[Url, Meta(description="Where to post `split` to make the block a lot.")]
Next = Annotated[Url | None, Meta(description="The URL of the next page, null if there is none now.")]


class JsonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of every JSON body: its schema allows no other members."""
