"""The JSON API. Its views are thin: they call the same commands and queries as the pages."""

from flask import Flask

from webapp.api import actions, acts, balances, events, health, imports, openapi, records, registries


def install(app: Flask) -> None:
    """Register the blueprints of the API, then make its OpenAPI document."""
    for module in (records, actions, acts, imports, registries, balances, events, health, openapi):
        app.register_blueprint(module.api)
