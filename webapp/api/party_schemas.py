"""The answers about parties and projects. See ``schemas``."""

from typing import Annotated, Final

from msgspec import Meta

from webapp.api.balance_schemas import Cut, Day
from webapp.api.registry_schemas import StatusSum
from webapp.api.schema_types import (
    Actor,
    Count,
    EventTypeText,
    JsonBody,
    Message,
    Next,
    Position,
    Time,
    Tonnes,
    Url,
)

Aliases = Annotated[list[str], Meta(description="The other names of the party.")]
Older = Annotated[Url | None, Meta(description="This answer with the acts before these; null without any.")]
LeftOut = Annotated[Count, Meta(description="The records of the last day that are in no act listed here.")]


class FlowSum(JsonBody, frozen=True):
    records: Count
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]


class Flow(JsonBody, frozen=True):
    retired: Annotated[FlowSum, Meta(description="Retired for the party.")]
    sold: Annotated[FlowSum, Meta(description="Sold to the party, also if it was reversed later.")]
    sale_reversed: Annotated[FlowSum, Meta(description="Sales to the party that were reversed.")]


class ProjectName(JsonBody, frozen=True):
    registry: str
    project_id: Annotated[str | None, Meta(description="Null if none is recorded.", examples=["VCS 1340"])]
    name: str


class Party(JsonBody, frozen=True):
    name: str
    aliases: Aliases
    flow: Flow


class PartyPage(JsonBody, frozen=True):
    cut: Cut
    items: list[Party]
    next: Next


class PartyAlias(JsonBody, frozen=True):
    name: str
    joined_by: Actor
    joined_at: Time


class YearFlow(JsonBody, frozen=True):
    year: Annotated[str, Meta(examples=["2026"])]
    flow: Flow


class RegistryFlow(JsonBody, frozen=True):
    registry: str
    flow: Flow


class ProjectFlow(JsonBody, frozen=True):
    project: ProjectName
    flow: Flow


class ActLine(JsonBody, frozen=True):
    position: Annotated[Position, Meta(description="The position of one of its events, which finds it.")]
    url: Annotated[Url, Meta(description="Its page.")]
    event_type: EventTypeText
    happened_on: Day
    is_dated: Annotated[bool, Meta(description="False: the day is that of the recording.")]
    party: str | None
    import_id: Annotated[
        str | None, Meta(description="The import that recorded it, whose events of one day are together.")
    ]
    actor: Actor
    recorded_at: Time
    projects: list[ProjectName]
    records: Count
    tonnes: Annotated[Tonnes, Meta(extra_json_schema={"type": "number"})]


class PartyFigures(JsonBody, frozen=True):
    cut: Cut
    name: str
    aliases: list[PartyAlias]
    flow: Flow
    years: list[YearFlow]
    registries: list[RegistryFlow]
    projects: list[ProjectFlow]
    acts: list[ActLine]
    older: Older
    left_out: LeftOut


class PartyPair(JsonBody, frozen=True):
    one: str
    other: str


class PartyPairs(JsonBody, frozen=True):
    items: Annotated[list[PartyPair], Meta(description="Names that are probably one party's.")]
    dismissed: Annotated[list[PartyPair], Meta(description="Pairs that a person said are two parties.")]


class PartyNamesChanged(JsonBody, frozen=True):
    party: str
    name: str
    message: Message


class Project(JsonBody, frozen=True):
    project: ProjectName
    sums: Annotated[list[StatusSum], Meta(description="Without zeros.")]


class ProjectPage(JsonBody, frozen=True):
    cut: Cut
    items: list[Project]
    next: Next


class VintageSums(JsonBody, frozen=True):
    vintage: int
    sums: list[StatusSum]


class ProjectFact(JsonBody, frozen=True):
    name: Annotated[str, Meta(examples=["country"])]
    values: list[str]


class ProjectFigures(JsonBody, frozen=True):
    cut: Cut
    project: ProjectName
    names: Annotated[list[str], Meta(description="All names under which it is recorded.")]
    facts: Annotated[list[ProjectFact], Meta(description="What its latest records say of it.")]
    sums: list[StatusSum]
    vintages: list[VintageSums]
    acts: list[ActLine]
    older: Older
    left_out: LeftOut


ANSWERS: Final = (PartyPage, PartyFigures, PartyPairs, PartyNamesChanged, ProjectPage, ProjectFigures)
