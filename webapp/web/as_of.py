"""The list of credits as of a day, as known at a time: its page and its file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import is_number
from webapp.domain.fields import FieldError, VintageField
from webapp.domain.lifecycle import HOLDING, STATUS_AFTER, EventType, Status
from webapp.domain.text import canonical
from webapp.ledger import as_of, as_of_list, summaries
from webapp.ledger.as_of import Cut, Where, types_of
from webapp.ledger.as_of_list import Standing, StandingPage
from webapp.ledger.summaries import Sum
from webapp.web import list_filters, query_parameters
from webapp.web.downloads import CSV, Cell, Table, send_table

pages = Blueprint("as_of", __name__)

CUTS: Final = ("as_of", "known_at")
_TEXTS: Final = ("project", "project_id")
_YEARS: Final = ("vintage", "vintage_from", "vintage_to")
# Those that may be given several times.
_SEVERAL: Final = ("registry", "party", "status")
FILTERS: Final = (*_TEXTS, *_YEARS)
# Filters of the present list that the tables of days do not have. The page says that it leaves them out.
_NOT_APPLIED: Final = tuple(name for name in list_filters.NAMES if name not in {*FILTERS, *_SEVERAL})
COLUMNS: Final = (
    "id",
    "project_name",
    "registry",
    "project_id",
    "vintage",
    "quantity",
    "serial_number",
    "status",
    "event_type",
    "happened_on",
    "is_dated",
    "party",
    "parent",
)
_LABELS: Final = {"vintage": "Vintage", "vintage_from": "Vintage from", "vintage_to": "Vintage to"}


def stated_cut(within_s: float = as_of.WAIT_S) -> Cut:
    """Return the cuts of the address. Raises InvalidFields, and LedgerBusy after `within_s`."""
    stated = {name: request.args.get(name) or None for name in CUTS}
    return as_of.cut(**stated, time_zone=current_app.config["REPORT_TIMEZONE"], within_s=within_s)


@dataclass(frozen=True)
class AsOfList:
    """The list: its cuts, and the filter as typed: texts, and `several` values of a name."""

    cut: Cut
    typed: Mapping[str, str]
    several: Mapping[str, Sequence[str]]
    where: Where
    before: int | None = None

    @classmethod
    def read(cls) -> "AsOfList":
        """Parse the address. Raises InvalidFields with every problem in it."""
        typed = {name: request.args.get(name, "").strip() for name in FILTERS}
        problems: list[Problem] = []
        years: dict[str, int | None] = {}
        for name in _YEARS:
            try:
                years[name] = VintageField(name, _LABELS[name]).parse(typed[name])
            except FieldError as refusal:
                problems.append(Problem(_LABELS[name], str(refusal)))
        several = _several()
        if not set(several["status"]) <= set(HOLDING):
            problems.append(Problem("Status", f"Must be one of {', '.join(HOLDING)}."))
        before = request.args.get("before", "")
        if before and not is_number(before):
            problems.append(Problem("Page", "There is no such page."))
        cut: Cut | None = None
        try:
            cut = stated_cut()
        except InvalidFields as refused:
            problems += refused.problems
        if cut is None or problems:
            raise InvalidFields(problems)
        where = Where.named(
            **{name: typed[name] for name in _TEXTS},
            types=types_of(*map(Status, several["status"])),
            first_vintage=years["vintage"] or years["vintage_from"],
            last_vintage=years["vintage"] or years["vintage_to"],
        )
        registries, parties = (tuple(map(canonical, several[name])) for name in ("registry", "party"))
        where = replace(where, registries=registries, parties=parties)
        return cls(cut, typed, several, where, int(before) if before else None)

    def address(self, before: int | None = None, **changes: Sequence[str]) -> str:
        """Return the permanent address of the list, which has both cuts, and of a page of it."""
        day = {} if self.cut.as_of is None else {"as_of": self.cut.as_of}
        texts = {name: text for name, text in self.typed.items() if text}
        page = {} if before is None else {"before": str(before)}
        kept = {**day, "known_at": self.cut.known_at, **texts, **self.several, **changes, **page}
        query = urlencode(kept, doseq=True)
        return f"/credits/as-of?{query}"

    @property
    def file(self) -> str:
        """The address of the whole list as a CSV file."""
        return self.address().replace("/credits/as-of?", "/credits/as-of.csv?", 1)

    @property
    def json(self) -> str:
        """The address of the list in the API, empty if that does not have the filter."""
        if self.typed["vintage"] or any(len(values) > 1 for values in self.several.values()):
            return ""
        return self.address().replace("/credits/as-of?", "/standings?", 1)


@pages.get("/credits/as-of")
@allows(Role.VIEWER)
@query_parameters.reads(*CUTS, *FILTERS, "before", *_NOT_APPLIED, repeated=_SEVERAL)
def show() -> AnyResponse:
    """Show what the credits were, with sums by status."""
    try:
        wanted = AsOfList.read()
    except InvalidFields as refused:
        return _page(None, refused.problems, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _page(wanted, (), HTTPStatus.OK)


@pages.get("/credits/as-of.csv")
@allows(Role.VIEWER)
@query_parameters.reads(*CUTS, *FILTERS, repeated=_SEVERAL)
def file() -> Response:
    """Send all credits of the list."""
    wanted = AsOfList.read()
    name = f"credits-as-of-{wanted.cut.as_of or 'all-days'}-known-{wanted.cut.known_at[:10]}"
    rows = map(_row, as_of_list.every_standing(wanted.cut, wanted.where))
    return send_table(Table(name, COLUMNS, rows), CSV)


def _page(wanted: AsOfList | None, problems: Sequence[Problem], status: HTTPStatus) -> AnyResponse:
    registries, vintages = summaries.filter_choices()
    typed = {name: request.args.get(name, "") for name in (*CUTS, *FILTERS)}
    if any(problem.field == "as_of" for problem in problems):
        typed["as_of"] = ""  # the input of a day takes nothing else
    sums = _sums(wanted) if wanted else {}
    answer = render_template(
        "credits/as_of.html",
        wanted=wanted,
        page=_list(wanted, sums) if wanted else _NOTHING,
        sums=sums,
        problems=problems,
        typed=typed,
        several=_several(),
        not_applied=_not_applied(),
        registries=registries,
        vintages=vintages,
        statuses=HOLDING,
    )
    return make_response(answer, status)


_NOTHING: Final = StandingPage((), None)


def _several() -> dict[str, list[str]]:
    """Return the values of the address of what may be given several times, without empty ones."""
    texts = {name: [text.strip() for text in request.args.getlist(name)] for name in _SEVERAL}
    return {name: list(dict.fromkeys(filter(None, found))) for name, found in texts.items()}


def _not_applied() -> list[tuple[str, str]]:
    """Return the filters of the present list that are in the address and not applied, in words."""
    given = MultiDict((name, request.args[name]) for name in _NOT_APPLIED if name in request.args)
    return [(chip.label, chip.value) for chip in list_filters.chips_of(list_filters.parse(given)[0])]


def _list(wanted: AsOfList, sums: Mapping[Status, Sum]) -> StandingPage:
    chosen = {STATUS_AFTER[kind] for kind in wanted.where.types} or sums.keys()
    found = sum(sum_.credits for status, sum_ in sums.items() if status in chosen)
    return as_of_list.list_standings(wanted.cut, wanted.where, wanted.before, found=found)


def _sums(wanted: AsOfList) -> dict[Status, Sum]:
    """Return the sums by status, of every status but the one that is chosen, too."""
    found = dict.fromkeys(HOLDING, Sum())
    for (kind,), credits, quantity_e4 in as_of.balances(
        wanted.cut, ["type"], replace(wanted.where, types=())
    ):
        found[STATUS_AFTER[EventType(str(kind))]] += Sum(credits, quantity_e4)
    return found


def _row(standing: Standing) -> Iterator[Cell]:
    for name in COLUMNS:
        value = getattr(standing, name)
        yield ("yes" if value else "no") if isinstance(value, bool) else value
