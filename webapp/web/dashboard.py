"""The dashboard: the totals of the ledger, or the first steps while it is empty."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows, allows_everyone
from webapp.ledger.listing import list_events
from webapp.ledger.summaries import ledger_totals
from webapp.web import actor_names

LATEST: Final = 8

pages = Blueprint("dashboard", __name__)


@pages.get("/favicon.ico")
@allows_everyone
def icon() -> AnyResponse:
    """Redirect to the icon: browsers request this address for documents that name none, such as JSON."""
    return redirect(url_for("static", filename="favicon.svg"), HTTPStatus.PERMANENT_REDIRECT)


@pages.get("/")
@allows(Role.VIEWER)
def show() -> str:
    """Show the totals and the latest events, or the first steps."""
    totals = ledger_totals()
    if not any(held.credits for held in totals.ledger.by_status.values()):
        return render_template("dashboard/empty.html", sample_form=FlaskForm())
    latest = list_events(limit=LATEST, newest_first=True)
    actor_names.prefetch(event.actor for event in latest.items)
    return render_template("dashboard/show.html", totals=totals, events=latest.items)
