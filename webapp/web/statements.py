"""The statement of a retirement, as a page, as PDF and as data; and the links that share it.

A shared link shows one statement to anybody. Its page has no navigation and no link into the ledger, and
nothing that names a person. The secret in its address must reach nobody else: no referrer is sent, no
search engine may list it, and no cache may keep it.
"""

import json
from http import HTTPStatus
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField
from wtforms.validators import DataRequired

from webapp.accounts import statement_links
from webapp.accounts.roles import Role
from webapp.authorization import allows, allows_everyone
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import is_number
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key, without_idempotency_key
from webapp.ledger import acts
from webapp.statements.content import Statement, data_of, statement_of
from webapp.statements.pdf import LOTS_MAX, pdf_of
from webapp.statements.pdf_cache import cached_pdf_of
from webapp.statements.proof import Proof, disclosed_by, proof_of, proof_or_none
from webapp.statements.qr_code import qr_data_url
from webapp.web import actor_names, query_parameters

pages = Blueprint("statements", __name__)

SECRET_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
_SHARED: Final = {"statements.shared", "statements.shared_pdf", "statements.shared_proof"}
CONFIRM: Final = "Anybody who has the link may see this statement"


class ShareForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The form that makes a link."""

    confirmed = BooleanField(CONFIRM, validators=[DataRequired("Tick this to make the link.")])


class RevokeForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form without fields, for the CSRF token."""


@pages.get("/acts/<int:position>/statement")
@allows(Role.VIEWER)
def show(position: int) -> AnyResponse:
    """Show the statement, to be printed or shared."""
    statement = _statement(position)
    if statement.position != position:
        return redirect(url_for(".show", position=statement.position))
    return make_response(render_template("statements/show.html", **_inputs(statement)))


@pages.get("/acts/<int:position>/statement.pdf")
@allows(Role.VIEWER)
def pdf(position: int) -> Response:
    """Send the statement as PDF."""
    statement = _statement(position)
    return _send_pdf(statement, pdf_of(statement, proof_or_none(statement)))


@pages.get("/acts/<int:position>/statement.json")
@allows(Role.VIEWER)
def data(position: int) -> Response:
    """Send the statement as data."""
    statement = _statement(position)
    text = json.dumps(data_of(statement), ensure_ascii=False, indent=1)
    return _named(Response(text, mimetype="application/json"), statement, "json")


@pages.get("/acts/<int:position>/proof.json")
@allows(Role.VIEWER)
@query_parameters.reads("size")
def proof(position: int) -> Response:
    """Send the proof of the statement, by the last checkpoint or by that of a size."""
    statement = _statement(position)
    return _send_proof(statement, proof_of(statement, _size()))


@pages.route("/acts/<int:position>/links", methods=["GET", "POST"])
@allows(Role.OPERATOR)
def share(position: int) -> AnyResponse:
    """Show the links of the statement and the form of a new one, or make it and show its address once."""
    statement = _statement(position)
    if statement.position != position:
        return redirect(url_for(".share", position=statement.position), HTTPStatus.SEE_OTHER)
    form = ShareForm()
    if not form.validate_on_submit():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_submitted() else HTTPStatus.OK
        links = statement_links.links_of(position)
        actor_names.prefetch([each for link in links for each in (link.added_by, link.revoked_by) if each])
        disclosed = disclosed_by(statement)
        page = render_template(
            "statements/share.html", statement=statement, links=links, form=form, disclosed=disclosed
        )
        return make_response(page, status)
    made = statement_links.create(position, actor(), request_key())
    if made is None:
        note_replay(is_replay=True)
        flash("This link was already made. Its address is shown only once.", "info")
        return redirect(url_for(".share", position=position), HTTPStatus.SEE_OTHER)
    site = current_app.config["PUBLIC_URL"] or request.host_url.rstrip("/")
    address = f"{site}{url_for('.shared', secret=made.secret)}"
    page = render_template("statements/shared_now.html", statement=statement, address=address)
    response = make_response(page)
    response.headers.update(SECRET_HEADERS)
    return response


@pages.route("/acts/<int:position>/links/<int:link_id>/revoke", methods=["GET", "POST"])
@allows(Role.OPERATOR)
@without_idempotency_key("Repeating it changes nothing.")
def revoke(position: int, link_id: int) -> AnyResponse:
    """Ask whether to revoke the link, or revoke it."""
    link = statement_links.link_of(position, link_id)
    form = RevokeForm()
    if not form.validate_on_submit():
        actor_names.prefetch([link.added_by])
        return make_response(render_template("statements/revoke.html", link=link, form=form))
    statement_links.revoke(position, link_id, actor())
    flash("Revoked. The link shows nothing from now on.", "success")
    return redirect(url_for(".share", position=position), HTTPStatus.SEE_OTHER)


@pages.get("/shared/<secret>")
@allows_everyone
@query_parameters.ignores_unknown
def shared(secret: str) -> str:
    """Show one statement to anybody who has its link."""
    inputs = _inputs(_shared_statement(secret))
    addresses = {
        "pdf_address": url_for(".shared_pdf", secret=secret),
        "proof_address": url_for(".shared_proof", secret=secret),
    }
    return render_template("statements/shared.html", **inputs, **addresses)


@pages.get("/shared/<secret>/statement.pdf")
@allows_everyone
@query_parameters.ignores_unknown
def shared_pdf(secret: str) -> Response:
    """Send the PDF of one statement to anybody who has its link."""
    statement = _shared_statement(secret)
    return _send_pdf(statement, cached_pdf_of(statement, proof_or_none(statement)))


@pages.get("/shared/<secret>/proof.json")
@allows_everyone
@query_parameters.ignores_unknown
def shared_proof(secret: str) -> Response:
    """Send the proof of one statement to anybody who has its link."""
    statement = _shared_statement(secret)
    return _send_proof(statement, proof_of(statement, _size()))


@pages.after_request
def keep_secret(response: Response) -> Response:
    """Let nobody else get the secret of an address, also where the answer is an error."""
    if request.endpoint in _SHARED:
        response.headers.update(SECRET_HEADERS)
    return response


def _statement(position: int) -> Statement:
    """Return the statement of the act. Raises UnknownAct, UnknownStatement."""
    act = acts.act_at(position)
    return statement_of(act, _public_address(url_for(".show", position=act.position)))


def _shared_statement(secret: str) -> Statement:
    act = acts.act_at(statement_links.find(secret))
    return statement_of(act, _public_address(url_for(".shared", secret=secret)))


def _public_address(path: str) -> str | None:
    site = current_app.config["PUBLIC_URL"]
    return f"{site}{path}" if site else None


def _inputs(statement: Statement) -> dict[str, object]:
    address = statement.address
    return {
        "statement": statement,
        "qr": qr_data_url(address) if address else None,
        "is_listed": statement.number_of_lots <= LOTS_MAX,
        "proof": proof_or_none(statement),
    }


def _send_pdf(statement: Statement, document: bytes) -> Response:
    return _named(Response(document, mimetype="application/pdf"), statement, "pdf")


def _send_proof(statement: Statement, proof: Proof) -> Response:
    response = Response(proof.document, mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="proof-{statement.position}.json"'
    return response


def _size() -> int | None:
    """Return the size of a checkpoint that the request asks for. Raises InvalidFields."""
    text = request.args.get("size")
    if text is None:
        return None
    if not is_number(text):
        raise InvalidFields([Problem("size", "Must be the size of a signed checkpoint, in plain digits.")])
    return int(text)


def _named(response: Response, statement: Statement, ending: str) -> Response:
    """Name the file, which a browser may show itself."""
    name = f"retirement-statement-{statement.position}.{ending}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
