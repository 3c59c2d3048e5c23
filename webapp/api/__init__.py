"""The JSON API. Its views are thin: they call the same commands and queries as the pages."""

from flask import Flask

from webapp.api import (
    accounts_log,
    actions,
    acts,
    balances,
    events,
    health,
    imports,
    integrity,
    log,
    metrics,
    openapi,
    parties,
    projects,
    records,
    registries,
    reports,
)


def install(app: Flask) -> None:
    """Register the blueprints of the API, then make its OpenAPI document."""
    facts = (records, actions, acts, imports, registries, parties, projects)
    answers = (balances, reports, events, integrity, log, accounts_log)
    for module in (*facts, *answers, health, metrics, openapi):
        app.register_blueprint(module.api)
