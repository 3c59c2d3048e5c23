"""The JSON API: thin in the same way as the pages, over the same commands and queries."""

from flask import Flask


def install(app: Flask) -> None:
    """Register every route of the API."""
