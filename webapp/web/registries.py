"""The pages of registries: the list of their names, and the forms that join and separate names."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, HiddenField

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import AliasInUse, InvalidFields, UnitesCredits
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import queries, registries
from webapp.ledger.name_changes import NameChange
from webapp.web import query_parameters

pages = Blueprint("registries", __name__)

_CHANGED = "What these names unite has changed since the page was opened. Look at it again."
_TICK = "Tick the box to join the names."


class JoinForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The two names, the hash of the pairs that the page shows, and the tick."""

    registry = HiddenField()
    alias = HiddenField()
    seen = HiddenField()
    accepts_pairs = BooleanField("These are names of one registry")


class SeparateForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form without fields, for the CSRF token."""


@pages.get("/registries")
@allows(Role.VIEWER)
@query_parameters.reads()
def index() -> str:
    """Show all names of registries with their sums."""
    return render_template(
        "registries/list.html", registries=registries.list_registries(), form=SeparateForm()
    )


@pages.get("/registries/join")
@allows(Role.OPERATOR)
@query_parameters.reads("registry", "alias")
def preview_join() -> AnyResponse:
    """Show what joining two names would unite, with the tick that confirms it."""
    form = JoinForm(formdata=None, registry=request.args.get("registry"), alias=request.args.get("alias"))
    return _join_page(form, HTTPStatus.OK)


@pages.post("/registries/join")
@allows(Role.OPERATOR)
def join() -> AnyResponse:
    """Join the names."""
    form = JoinForm()
    if not form.accepts_pairs.data:
        form.accepts_pairs.errors = [_TICK]
        return _join_page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        change = registries.join_names(
            _names(form), actor(), request_key(), seen=form.seen.data, accepts_pairs=True
        )
    except UnitesCredits:
        form.accepts_pairs.errors = [_CHANGED]
        form.accepts_pairs.data = False
        return _join_page(form, HTTPStatus.CONFLICT)
    except InvalidFields:
        return _join_page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _done(change, f"{change.alias} and {change.main} are names of one registry now.")


@pages.post("/registries/separate")
@allows(Role.OPERATOR)
def separate() -> AnyResponse:
    """Separate an alias from its registry."""
    values = {name: request.form.get(name) for name in ("registry", "alias")}
    try:
        change = registries.separate_names(values, actor(), request_key())
    except AliasInUse as refusal:
        flash(_two_credits(refusal), "danger")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    except InvalidFields as refusal:
        flash(" ".join(problem.message for problem in refusal.problems), "danger")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    return _done(change, f"{change.alias} and {change.main} are two registries again.")


def _two_credits(refusal: AliasInUse) -> Markup:
    """Return why the names stay joined, with links to the two credits."""
    # Markup because of the links. Only these constants are markup: `format` escapes every argument.
    named = [
        Markup('<a href="{}">{}, {}, {}</a>').format(
            url_for("credits.show", credit_id=each.id), each.project_name, each.registry, each.serial_number
        )
        for each in map(queries.credit, (refusal.holder, refusal.credit_id))
    ]
    return Markup(
        "{} and {} have one serial number under two names of this registry. "
        "The names stay joined until one of the two is void."
    ).format(*named)


def _names(form: JoinForm) -> dict[str, object]:
    return {"registry": form.registry.data, "alias": form.alias.data}


def _join_page(form: JoinForm, status: HTTPStatus) -> AnyResponse:
    """Show what the names unite as of now. Redirects with the reason where they cannot be joined."""
    try:
        union = registries.union_of(_names(form))
    except InvalidFields as refusal:
        flash(" ".join(problem.message for problem in refusal.problems), "danger")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    form.seen.data = union.seen
    return make_response(render_template("registries/join.html", form=form, union=union), status)


def _done(change: NameChange, message: str) -> AnyResponse:
    note_replay(is_replay=change.is_replay)
    flash_success(message)
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
