"""Pages: one module per noun. A view parses, calls one command or query, and renders."""

from flask import Flask

from webapp.web import activity, acts, corrections, credits, dashboard, downloads, formats, imports, splits


def install(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.filters.update(formats.FILTERS)
    for module in (dashboard, credits, acts, splits, corrections, activity, imports, downloads):
        app.register_blueprint(module.pages)
