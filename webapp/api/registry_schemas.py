"""The JSON bodies about registries. See ``schemas``."""

from typing import Annotated, Final

from msgspec import Meta

from webapp.api.schema_types import Count, Id, JsonBody, Message, Quantity, SerialNumber, StatusText, Tonnes


class StatusSum(JsonBody, frozen=True):
    status: StatusText
    records: Count
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]


class Registry(JsonBody, frozen=True):
    name: Annotated[str, Meta(description="The text in its records, in its first spelling.")]
    display_name: Annotated[str, Meta(description="What pages call it.", examples=["Verra (VCS)"])]
    alias_of: Annotated[str | None, Meta(description="The registry that this is another name of.")]
    aliases: Annotated[list[str], Meta(description="The other names of this registry.")]
    sums: Annotated[list[StatusSum], Meta(description="Of the records with exactly this name.")]


class RegistryList(JsonBody, frozen=True):
    items: Annotated[list[Registry], Meta(description="Each registry, followed by its other names.")]


class PairedRecord(JsonBody, frozen=True):
    id: Id
    registry: str
    quantity: Quantity
    serial_number: SerialNumber
    status: StatusText


class RecordPair(JsonBody, frozen=True):
    first: Annotated[PairedRecord, Meta(description="The one recorded first.")]
    second: PairedRecord


class Union(JsonBody, frozen=True):
    registry: str
    alias: str
    held: Annotated[
        list[RecordPair],
        Meta(description="Records with one serial number. The first holds it, the second must be cancelled."),
    ]
    held_count: Count
    alike: Annotated[
        list[RecordPair],
        Meta(
            description="Records without serial numbers that are equal but for the registry. They stay two; "
            "one of them may have to be cancelled."
        ),
    ]
    alike_count: Count


class NamesChanged(JsonBody, frozen=True):
    registry: str
    alias: str
    message: Message


ANSWERS: Final = (RegistryList, Union, NamesChanged)
