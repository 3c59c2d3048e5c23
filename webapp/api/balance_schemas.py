"""The answers as of a day. See ``schemas``."""

from typing import Annotated, Final

from msgspec import Meta

from webapp.api.schema_types import (
    Count,
    EventTypeText,
    Id,
    JsonBody,
    Next,
    Quantity,
    SerialNumber,
    StatusText,
    Time,
    Tonnes,
    Url,
)

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", extra_json_schema={"format": "date"})]
_Key = Annotated[str | None, Meta(description="In canonical form. Present only if `by` names it.")]


class Cut(JsonBody, frozen=True):
    as_of: Annotated[
        Day | None, Meta(description="What had happened by the end of this day; null: all days.")
    ]
    known_at: Annotated[Time, Meta(description="What was recorded by this time.")]
    position: Annotated[Count, Meta(description="The last position of the feed that counts.")]
    time_zone: Annotated[str, Meta(description="In which days end.", examples=["UTC"])]
    url: Annotated[Url, Meta(description="The address of this answer. It stays the same for ever.")]


class Amount(JsonBody, frozen=True, omit_defaults=True):
    credits: Count
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]
    registry: _Key = None
    project: _Key = None
    project_id: _Key = None
    vintage: Annotated[int | None, Meta(description="Present only if `by` names it.")] = None
    status: Annotated[str | None, Meta(description="Present only if `by` names it.", examples=["ACTIVE"])] = (
        None
    )
    event_type: Annotated[
        str | None, Meta(description="Present only if `by` names it.", examples=["RETIRED"])
    ] = None
    party: _Key = None
    is_dated: Annotated[
        bool | None,
        Meta(description="False: no day was stated, so that of the recording counts. Present only if asked."),
    ] = None
    day: Annotated[str | None, Meta(description="Present only if `by` names it.")] = None
    month: Annotated[str | None, Meta(examples=["2026-12"])] = None
    year: Annotated[str | None, Meta(examples=["2026"])] = None


class Amounts(JsonBody, frozen=True):
    cut: Cut
    items: Annotated[list[Amount], Meta(description="Without sums of zero.")]


class StandingRecord(JsonBody, frozen=True):
    id: Id
    project_name: str
    registry: str
    vintage: int
    quantity: Quantity
    serial_number: SerialNumber
    project_id: Annotated[str, Meta(description="In canonical form; empty if it was not stated by then.")]
    parent: Id | None
    status: StatusText
    event_type: Annotated[EventTypeText, Meta(description="The type of the event that gave it the status.")]
    happened_on: Annotated[Day, Meta(description="The day of that event.")]
    is_dated: Annotated[bool, Meta(description="False: the day is that of the recording.")]
    party: Annotated[str, Meta(description="The buyer or the beneficiary; empty if there was none.")]


class StandingRecordPage(JsonBody, frozen=True):
    cut: Cut
    items: list[StandingRecord]
    next: Next


ANSWERS: Final = (Amounts, StandingRecordPage)
