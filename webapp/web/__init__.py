"""Pages: one module per noun. A view parses, calls one command or query, and renders."""

from http import HTTPStatus

from flask import Flask, Response, render_template, request

from webapp import idempotency
from webapp.http import htmx
from webapp.web import (
    actions,
    activity,
    actor_names,
    audit_log,
    auth_pages,
    corrections,
    credits,
    dashboard,
    downloads,
    formats,
    imports,
    password,
    query_parameters,
    splits,
    tokens,
    users,
)


def install(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.filters["actor_name"] = actor_names.name_of
    ledger = (dashboard, credits, actions, splits, corrections, activity, imports, downloads)
    accounts = (auth_pages, password, users, tokens, audit_log)
    blueprints = [module.pages for module in (*ledger, *accounts)]
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.after_request(_say_in_fragment)
    names = {blueprint.name for blueprint in blueprints}

    @app.before_request  # behind who may pass: whoever may not, learns nothing about the page
    def refuse_unknown_filters() -> None:
        if request.blueprint in names:
            query_parameters.refuse_unknown()


def _say_in_fragment(response: Response) -> Response:
    """Say beside a part of a page that it shows what was done before; a whole page says it by itself."""
    is_part = htmx.wants_fragment() and response.mimetype == "text/html"
    if idempotency.is_replay() and is_part and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        said = render_template("_already_done.html", said=idempotency.ALREADY_DONE)
        response.set_data(response.get_data(as_text=True) + said)
    return response
