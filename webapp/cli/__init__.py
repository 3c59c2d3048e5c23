"""Commands for a terminal: thin like the pages and the API, over the same commands and queries."""

from flask import Flask

from webapp.cli import ledger, maintenance, users


def install(app: Flask) -> None:
    """Register every command."""
    for module in (ledger, users, maintenance):
        module.install(app)
