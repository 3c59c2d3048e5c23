"""Terminal commands, over the same ledger commands and queries as the pages and the API."""

from flask import Flask

from webapp.cli import ledger, log, maintenance, users, witness


def install(app: Flask) -> None:
    """Register every command."""
    for module in (ledger, log, witness, users, maintenance):
        module.install(app)
