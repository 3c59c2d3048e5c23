"""Pages: one module per noun. A view parses, calls one command or query, and renders."""

from flask import Flask

from webapp.web import (
    account,
    account_log,
    activity,
    actors,
    acts,
    corrections,
    credits,
    dashboard,
    downloads,
    entry,
    formats,
    imports,
    people,
    splits,
    tokens,
)


def install(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.filters["who"] = actors.who
    ledger = (dashboard, credits, acts, splits, corrections, activity, imports, downloads)
    accounts = (entry, account, people, tokens, account_log)
    for module in (*ledger, *accounts):
        app.register_blueprint(module.pages)
