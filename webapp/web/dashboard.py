"""The dashboard: what the ledger holds, now or at two cuts; or the first steps while it is empty."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows, allows_everyone
from webapp.domain.errors import InvalidFields, LedgerBusy, LedgerUnavailable, Problem
from webapp.domain.lifecycle import COUNTED, Status
from webapp.http import authentication
from webapp.ledger import as_of, overview
from webapp.ledger.activity import ActivityFilter, list_activity
from webapp.ledger.as_of import Cut
from webapp.ledger.project_keys import ProjectNames
from webapp.ledger.transparency import checkpoints
from webapp.ledger.transparency.checkpoints import State
from webapp.web import actor_names, charts, query_parameters
from webapp.web.as_of import CUTS, stated_cut
from webapp.web.projects import project_address

BY: Final = "by"
# How long the figures of now wait for those by day: without them, the page has the others.
WAIT_S: Final = 1.0
# The newest acts that are shown.
ACTS: Final = 8
_BYS: Final[Mapping[str, charts.By]] = {"month": "month", "year": "year"}

pages = Blueprint("dashboard", __name__)


@pages.get("/favicon.ico")
@allows_everyone
def icon() -> AnyResponse:
    """Redirect to the icon: browsers request this address for documents that name none, such as JSON."""
    return redirect(url_for("static", filename="favicon.svg"), HTTPStatus.PERMANENT_REDIRECT)


@pages.get("/")
@allows(Role.VIEWER)
@query_parameters.reads(*CUTS, BY)
def show() -> Response:
    """Show what the ledger holds now, or what it held at the cuts in the address, or the first steps."""
    typed = {name: request.args.get(name, "").strip() for name in CUTS}
    by = request.args.get(BY, "")
    is_now = not any(typed.values())
    if by not in {"", *_BYS}:
        return _refused(typed, [Problem(BY, f"Must be {' or '.join(_BYS)}.")])
    held = overview.held_now()
    if is_now and not held:
        return make_response(render_template("dashboard/empty.html", sample_form=FlaskForm()))
    try:
        cut = stated_cut(WAIT_S if is_now else as_of.WAIT_S)
    except InvalidFields as refusal:
        return _refused(typed, refusal.problems)
    except (LedgerBusy, LedgerUnavailable) as error:
        if not is_now:
            raise
        return make_response(_page(held, typed, by, preparing=str(error)))
    if not is_now:
        held = overview.held_at(cut)
    return make_response(_page(held, typed, by, cut))


def _page(
    held: Sequence[overview.Held],
    typed: Mapping[str, str],
    by: str,
    cut: Cut | None = None,
    preparing: str = "",
) -> str:
    """Return the page. Without a cut it has no figures by day, and `preparing` says how far they are."""
    is_now = not any(typed.values())
    sums = charts.sums_by_status(held)
    history = overview.history_at(cut) if cut else None
    # No act has one day that an earlier day could be compared with.
    acts = (
        []
        if cut and cut.as_of
        else list_activity(ActivityFilter(), cut.position if cut else None, ACTS).items
    )
    actor_names.prefetch(act.lead.actor for act in acts)
    return render_template(
        "dashboard/show.html",
        sums=sums,
        shares=charts.shares(sums, COUNTED),
        matrix=charts.matrix(held, Status.ACTIVE),
        history=history,
        periods=history and cut and charts.periods(history.moved, _last_day(cut), _BYS.get(by)),
        moved_types=overview.MOVED,
        preparing=preparing,
        acts=acts,
        cut=cut,
        is_now=is_now,
        is_signing=_is_signing() if is_now else True,
        typed=typed,
        by=by,
        problems={},
        addresses=Addresses(cut, is_now=is_now),
        permanent=cut and _permanent(cut, by),
        address_by={name: _address({**typed, BY: name}) for name in _BYS},
    )


def _is_signing() -> bool:
    """Return whether this host signs the log, as far as the reader can do something about it."""
    is_concern = authentication.principal().may(Role.ADMINISTRATOR)
    return not is_concern or checkpoints.state() is State.SIGNING


def _refused(typed: Mapping[str, str], problems: Sequence[Problem]) -> Response:
    """Return the form alone, with what is wrong beside its fields."""
    found = {problem.field: problem.message for problem in problems}
    page = render_template("dashboard/refused.html", typed=typed, by="", problems=found, cut=None)
    return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)


def _last_day(cut: Cut) -> str:
    return cut.as_of or cut.known_at[: len("2026-12-31")]


def _permanent(cut: Cut, by: str) -> str:
    """Return the address that shows the same figures for ever."""
    return _address({**_cuts(cut), BY: by})


def _cuts(cut: Cut) -> dict[str, str]:
    return {"as_of": cut.as_of or "", "known_at": cut.known_at}


class Addresses:
    """The addresses of what is behind the figures, at their cut."""

    def __init__(self, cut: Cut | None, *, is_now: bool) -> None:
        """Take the cut; the figures of now have addresses without it."""
        self._cuts = {} if is_now or cut is None else _cuts(cut)
        self._today = cut.known_at[: len("2026-12-31")] if cut else ""

    def credits(self, status: str, registry: str = "", years: charts.Years | None = None) -> str:
        """Return the address of the credits with this status, and of this registry and these vintages."""
        ends = {"vintage_from": str(years.first), "vintage_to": str(years.last)} if years else {}
        path = "/credits/as-of" if self._cuts else "/credits"
        return _address({**self._cuts, "status": status, "registry": registry, **ends}, path)

    def retired(self, period: str) -> str:
        """Return the address of what was retired in a month or year; empty for figures of an earlier time."""
        if self._cuts:
            return ""
        first, last = charts.days_of(period)
        days = {"happened_from": first, "happened_to": min(last, self._today)}
        return _address({"status": Status.RETIRED, **days}, "/credits")

    def project(self, project: ProjectNames) -> str:
        """Return the address of a project's page."""
        return self._with_cuts(project_address(project))

    def party(self, name: str) -> str:
        """Return the address of a party's page."""
        return self._with_cuts(_address({"name": name}, "/parties/named"))

    def all(self, path: str) -> str:
        """Return the address of a list."""
        return _address(self._cuts, path)

    def _with_cuts(self, address: str) -> str:
        return _address(self._cuts, f"{address}&") if self._cuts else address


def _address(parameters: Mapping[str, str], path: str = "/") -> str:
    return _encoded(tuple((name, value) for name, value in parameters.items() if value), path)


# A page has about a hundred addresses, most of them those of the page before.
@lru_cache(maxsize=4096)
def _encoded(parameters: tuple[tuple[str, str], ...], path: str) -> str:
    query = urlencode(parameters)
    return f"{path}{'' if path.endswith('&') else '?'}{query}" if query else path
