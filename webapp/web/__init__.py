"""Pages: one module per subject. A view parses the request, calls one command or query, and renders."""

from http import HTTPStatus

from flask import Flask, Response, render_template, request

from webapp import idempotency
from webapp.http import htmx
from webapp.version import RELEASED, VERSION
from webapp.web import (
    actions,
    activity,
    actor_names,
    acts,
    acts_on_many,
    amendments,
    as_of,
    audit_log,
    auth_pages,
    corrections,
    credits,
    cuts,
    dashboard,
    downloads,
    formats,
    imports,
    integrity,
    labels,
    parties,
    password,
    projects,
    query_parameters,
    registries,
    reports,
    reversals,
    serial_numbers,
    splits,
    statements,
    tokens,
    users,
    verifier,
    witness,
)


def install(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.filters.update(labels.FILTERS)
    app.jinja_env.filters.update(cuts.FILTERS)
    app.jinja_env.filters.update(serial_numbers.FILTERS)
    app.jinja_env.filters.update(projects.FILTERS)
    app.jinja_env.filters["actor_name"] = actor_names.name_of
    app.jinja_env.globals["printed_at"] = formats.this_minute
    app.jinja_env.globals.update(version=VERSION, released=RELEASED)
    ledger = (
        dashboard,
        credits,
        actions,
        acts_on_many,
        reversals,
        amendments,
        splits,
        corrections,
        activity,
        acts,
        statements,
        imports,
        registries,
        reports,
        as_of,
        parties,
        projects,
        integrity,
        witness,
        downloads,
        verifier,
    )
    accounts = (auth_pages, password, users, tokens, audit_log)
    blueprints = [module.pages for module in (*ledger, *accounts)]
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.after_request(_add_replay_notice)
    names = {blueprint.name for blueprint in blueprints}

    @app.before_request  # after authorization, so that a page's parameters are not revealed before it
    def refuse_unknown_filters() -> None:
        if request.blueprint in names:
            query_parameters.refuse_unknown()


def _add_replay_notice(response: Response) -> Response:
    """Add a notice to a fragment that repeats an earlier result. A whole page flashes the notice itself."""
    is_fragment = htmx.wants_fragment() and response.mimetype == "text/html"
    if idempotency.is_replay() and is_fragment and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        notice = render_template("_already_done.html", message=idempotency.ALREADY_DONE)
        response.set_data(response.get_data(as_text=True) + notice)
    return response
