"""The answers of yearly reports, which ``webapp.reports.data`` writes. See ``schemas``."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from webapp.api.schema_types import Count, JsonBody, Time, Url, one_of
from webapp.reports import comparison, listed, sections
from webapp.reports.content import Column
from webapp.reports.data import KIND
from webapp.reports.question import Kind

_TonnesText = Annotated[str, Meta(pattern=r"^-?\d+(\.\d{1,4})?$", description="Exact decimal text.")]


def _cells(columns: Iterable[Column]) -> Meta:
    """Return the rule of cells by the names of their columns."""
    names = dict.fromkeys(column.name for column in columns)
    return Meta(
        description="By the names of the columns. Null if it is absent.",
        extra_json_schema={
            "type": "object",
            "properties": {name: {"type": ["string", "integer", "null"]} for name in names},
            "additionalProperties": False,
        },
    )


_Cells = Annotated[Any, _cells((*sections.COLUMNS, *comparison.COLUMNS))]
_Act = Annotated[Any, _cells(listed.COLUMNS)]


class ReportParty(JsonBody, frozen=True):
    name: str
    names: Annotated[list[str], Meta(description="All names joined to it at `known_at`, in canonical form.")]


class ReportColumn(JsonBody, frozen=True):
    name: str
    label: str


class ReportRow(JsonBody, frozen=True):
    cells: _Cells
    line: Annotated[
        str | None,
        Meta(description="The name of the retirements behind it, for `/reports/{kind}/retirements`."),
    ]
    act: Annotated[Count | None, Meta(description="The number of the one retirement behind it.")]


class ReportSection(JsonBody, frozen=True):
    name: str
    title: str
    columns: list[ReportColumn]
    rows: list[ReportRow]
    note: str


class Report(JsonBody, frozen=True):
    kind: Annotated[str, Meta(extra_json_schema={"const": KIND})]
    version: Literal[1]
    report: Annotated[str, one_of(Kind)]
    title: str
    year: int
    parties: list[ReportParty]
    known_at: Time
    position: Annotated[Count, Meta(description="The last position of the feed that counts.")]
    time_zone: str
    compared_with: Time | None
    address: Url
    tonnes: _TonnesText
    retirements: Count
    notices: Annotated[
        list[str],
        Meta(description="Sentences about a year that had not ended and names without retirements."),
    ]
    sections: list[ReportSection]
    changes: Annotated[list[ReportSection] | None, Meta(description="Null without `compared_with`.")]
    acts: Annotated[list[_Act], Meta(description="All retirements that count, in the order of their days.")]


ANSWERS: Final = (Report,)
