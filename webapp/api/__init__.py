"""The JSON API: thin in the same way as the pages, over the same commands and queries."""

from flask import Flask

from webapp.api import acts, description, feed, health, imports, records


def install(app: Flask) -> None:
    """Register every route of the API."""
    for module in (records, acts, imports, feed, health, description):
        app.register_blueprint(module.api)
    description.install(app)
