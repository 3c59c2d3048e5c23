"""The pages of parties: the list, one party, and names that are probably one party's."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key, without_idempotency_key
from webapp.ledger import parties, party_figures, party_pairs
from webapp.ledger.act_lines import act_lines
from webapp.ledger.name_changes import NameChange
from webapp.ledger.party_figures import PartySums
from webapp.web import actor_names, cuts, query_parameters
from webapp.web.as_of import CUTS, stated_cut
from webapp.web.downloads import Cell, Table, both_files, send_table
from webapp.web.number_pages import NumberedPage

pages = Blueprint("parties", __name__)

COLUMNS: Final = (
    "name",
    "other_names",
    *(f"{flow.lower()}_{what}" for flow in party_figures.FLOWS for what in ("credits", "tonnes")),
)
_REPEATABLE: Final = "Repeating it changes nothing."


class NamesForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form whose fields stand in the page, for the CSRF token."""


@pages.get("/parties")
@allows(Role.VIEWER)
@query_parameters.reads("q", "page", *CUTS)
def index() -> Response:
    """Show the parties with their sums, those with the most tonnes first."""
    cut = stated_cut()
    q = request.args.get("q", "")
    return htmx.render(
        "parties/list.html",
        "parties/_table.html",
        page=NumberedPage.read(party_figures.list_parties(cut, q)),
        q=q,
        cut=cut,
        permanent=cuts.permanent_address(cut),
        download=cuts.address("/parties.csv", q=q),
        flows=party_figures.FLOWS,
    )


@both_files("/parties")
@allows(Role.VIEWER)
@query_parameters.reads("q", *CUTS)
def parties_file(file_format: str) -> Response:
    """Send all parties of the list with their sums."""
    cut, q = stated_cut(), request.args.get("q", "")
    rows = map(_row, party_figures.list_parties(cut, q))
    return send_table(Table(cuts.file_name("parties", q, cut), COLUMNS, rows), file_format)


@pages.get("/parties/named")
@allows(Role.VIEWER)
@query_parameters.reads("name", "before", *CUTS)
def show() -> str:
    """Show the figures and acts of one party."""
    cut = stated_cut()
    view = party_figures.party(cut, request.args.get("name", ""))
    acts = act_lines(cut, view.where, before=cuts.requested_day("before"))
    actor_names.prefetch([*(join.actor for join in view.joins), *(line.actor for line in acts.lines)])
    return render_template(
        "parties/show.html",
        party=view,
        acts=acts,
        older=acts.older and cuts.address(before=acts.older),
        cut=cut,
        permanent=cuts.permanent_address(cut),
        flows=party_figures.FLOWS,
        form=NamesForm(),
    )


@pages.get("/parties/pairs")
@allows(Role.VIEWER)
@query_parameters.reads()
def pairs() -> str:
    """Show the names that are probably one party's."""
    proposals = party_pairs.proposals(stated_cut())
    return render_template("parties/pairs.html", proposals=proposals, form=NamesForm())


@pages.post("/parties/join")
@allows(Role.OPERATOR)
def join() -> AnyResponse:
    """Join a name to a party."""
    return _changed(parties.join_names, "{alias} is a name of {main} now.")


@pages.post("/parties/separate")
@allows(Role.OPERATOR)
def separate() -> AnyResponse:
    """Separate a name from its party."""
    return _changed(parties.separate_names, "{alias} and {main} are two parties again.")


@pages.post("/parties/pairs/dismiss")
@allows(Role.OPERATOR)
@without_idempotency_key(_REPEATABLE)
def dismiss() -> AnyResponse:
    """Propose a pair no more."""
    party_pairs.dismiss_pair(_names(), actor())
    flash("Not proposed again.", "success")
    return redirect(url_for(".pairs"), HTTPStatus.SEE_OTHER)


@pages.post("/parties/pairs/propose")
@allows(Role.OPERATOR)
@without_idempotency_key(_REPEATABLE)
def propose() -> AnyResponse:
    """Propose a pair again that was dismissed."""
    party_pairs.propose_pair(_names())
    flash("Proposed again.", "success")
    return redirect(url_for(".pairs"), HTTPStatus.SEE_OTHER)


def _row(party: PartySums) -> Iterator[Cell]:
    yield from (party.name, "; ".join(party.aliases))
    for flow in party_figures.FLOWS:
        yield from (party.flow[flow].credits, party.flow[flow].quantity)


def _names() -> Mapping[str, object]:
    return {name: request.form.get(name) for name in ("party", "name")}


def _changed(command: Callable[..., NameChange], message: str) -> AnyResponse:
    """Run the command; go to the party, or back to the pairs where the form was there."""
    back = url_for(".pairs") if request.form.get("back") == "pairs" else None
    try:
        change = command(_names(), actor(), request_key())
    except InvalidFields as refusal:
        flash(" ".join(problem.message for problem in refusal.problems), "danger")
        here = url_for(".show", name=request.form.get("party", ""))
        return redirect(back or here, HTTPStatus.SEE_OTHER)
    note_replay(is_replay=change.is_replay)
    flash_success(message.format(main=change.main, alias=change.alias))
    return redirect(back or url_for(".show", name=change.main), HTTPStatus.SEE_OTHER)
