"""The JSON API. Its views are thin: they call the same commands and queries as the pages."""

from flask import Flask

from webapp.api import (
    actions,
    acts,
    balances,
    events,
    health,
    imports,
    integrity,
    openapi,
    parties,
    projects,
    records,
    registries,
)


def install(app: Flask) -> None:
    """Register the blueprints of the API, then make its OpenAPI document."""
    ledger = (records, actions, acts, imports, registries, parties, projects, balances, events, integrity)
    for module in (*ledger, health, openapi):
        app.register_blueprint(module.api)
