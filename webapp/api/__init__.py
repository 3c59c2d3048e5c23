"""The JSON API: thin in the same way as the pages, over the same commands and queries."""

from flask import Flask

from webapp.api import actions, events, health, imports, openapi, records


def install(app: Flask) -> None:
    """Register every route of the API."""
    for module in (records, actions, imports, events, health, openapi):
        app.register_blueprint(module.api)
    openapi.install(app)
