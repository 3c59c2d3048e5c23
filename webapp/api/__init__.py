"""The JSON API: thin in the same way as the pages, over the same commands and queries."""

from flask import Flask
from flask_wtf import CSRFProtect

from webapp.api import acts, description, feed, health, imports, records


def install(app: Flask, csrf: CSRFProtect) -> None:
    """Register every route of the API.

    A program has no form to take a token from. What keeps another site's page from writing here
    is the gate in front of every route; and the API knows no session that a page could borrow.
    """
    for module in (records, acts, imports, feed, health, description):
        csrf.exempt(module.api)
        app.register_blueprint(module.api)
    description.install(app)
