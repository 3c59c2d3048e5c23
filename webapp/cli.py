"""The same commands and queries for a terminal."""

from flask import Flask


def install(app: Flask) -> None:
    """Register every command."""
