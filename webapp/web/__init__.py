"""Pages: one module per noun. A view parses, calls one command or query, and renders."""

from flask import Flask

from webapp.web import activity, acts, credits, dashboard, formats, imports


def install(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.filters.update(formats.FILTERS)
    for module in (dashboard, credits, acts, activity, imports):
        app.register_blueprint(module.pages)
