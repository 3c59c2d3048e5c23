"""The answers about acts on many records. See ``schemas``."""

from typing import Annotated

from msgspec import Meta

from webapp.api.schema_types import (
    EventTypeText,
    Hash,
    Id,
    JsonBody,
    Number,
    Quantity,
    SerialNumber,
    Time,
    Url,
)


class ActItem(JsonBody, frozen=True):
    record: Annotated[Id, Meta(description="The record that is acted on.")]
    quantity: Quantity
    serial_number: SerialNumber
    url: Url
    split_from: Annotated[
        Hash | None,
        Meta(
            description="The record that it was split from by this act, or in a dry run would be; null where "
            "the act takes all of a record."
        ),
    ]


class Act(JsonBody, frozen=True):
    act: Annotated[
        Number | None,
        Meta(description="Its number: the feed position of its first event. Null after a dry run."),
    ]
    event_type: EventTypeText
    quantity: Annotated[Quantity, Meta(description="The tonnes of all its records.")]
    items: Annotated[list[ActItem], Meta(description="Its records.")]
    warnings: Annotated[
        list[str],
        Meta(
            description="What may be a mistake: a date before the vintage or before the sale, a retirement "
            "of sold tonnes for someone other than the buyer, or of records whose serial numbers others have "
            "under another name of the registry. It is recorded all the same; a dry run shows it first."
        ),
    ]


class NamingAct(JsonBody, frozen=True):
    act: Annotated[Number, Meta(description="Its number: the feed position of its first event.")]
    event_type: EventTypeText
    recorded_at: Time
    name: Annotated[str, Meta(description="The name of the file, as recorded.", examples=["contract.pdf"])]
    url: Url


class NamingActs(JsonBody, frozen=True):
    items: list[NamingAct]
