"""Pages: one module per noun. A view parses, calls one command or query, and renders."""

from flask import Flask

from webapp.web import acts, credits


def install(app: Flask) -> None:
    """Register every page."""
    app.register_blueprint(credits.pages)
    app.register_blueprint(acts.pages)
