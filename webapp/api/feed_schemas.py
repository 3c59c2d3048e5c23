"""The answers of the feed. See ``schemas``."""

from typing import Annotated, Any

from msgspec import Meta

from webapp.api.field_schemas import REF_TEMPLATE
from webapp.api.schema_types import (
    Actor,
    EventData,
    EventTypeText,
    Hash,
    Id,
    JsonBody,
    Next,
    Number,
    Position,
    PreviousHash,
    Seq,
    Time,
    Timestamp,
    Url,
    one_of,
)
from webapp.domain.entry import EntryType


class FeedEvent(JsonBody, frozen=True):
    record_id: Id
    position: Position
    seq: Seq
    event_type: EventTypeText
    data: EventData
    actor: Actor
    recorded_at: Time
    timestamp: Timestamp
    prev_hash: PreviousHash
    hash: Hash


class FeedEntry(JsonBody, frozen=True):
    subject: Annotated[
        str,
        Meta(
            description="What it is about, if that is no record: an import, a registry or a party.",
            examples=["import/12", "registry/verra", "party/hilltop tools ag"],
        ),
    ]
    position: Position
    seq: Annotated[Number, Meta(description="The number in the subject's own history.")]
    event_type: Annotated[str, one_of(EntryType)]
    data: Annotated[
        Any,
        Meta(
            description="The data as hashed.",
            extra_json_schema={
                "anyOf": [
                    {"$ref": REF_TEMPLATE.format(name=name)}
                    for name in ("ImportedData", "AliasData", "PartyNameData")
                ]
            },
        ),
    ]
    actor: Actor
    recorded_at: Time
    prev_hash: Annotated[
        Hash, Meta(description="The hash of the subject's previous event; 64 zeros for the first.")
    ]
    hash: Hash


FeedItem = Annotated[
    Any,
    Meta(
        extra_json_schema={
            "anyOf": [{"$ref": REF_TEMPLATE.format(name=name)} for name in ("FeedEvent", "FeedEntry")]
        }
    ),
]


class EventPage(JsonBody, frozen=True):
    items: list[FeedItem]
    next: Next
    resume: Annotated[
        Url,
        Meta(
            description="The URL of the events after these, also where there are none yet. "
            "A reader that stores it and continues there misses no event."
        ),
    ]
