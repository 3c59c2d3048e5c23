"""Ledgers to measure on, made by the program's own commands and filled by its own import."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from scripts.bench.made_credits import CreditRow, import_file, made_credits
from scripts.bench.server import Server, flask
from server.terminal import CommandError

ROWS_OF_AN_IMPORT: Final = 10_000
_PASSWORD: Final = b"measured, then thrown away"


@dataclass(frozen=True)
class Import:
    """An import over HTTP: its rows, how long its answer took, and the server's CPU meanwhile."""

    rows: int
    seconds: float
    cpu_seconds: float


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def file_of(database_url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(database_url.removeprefix("sqlite:///"))


def migrate(database_url: str) -> str:
    """Make the tables of a new database and return its address."""
    flask(database_url, "db", "upgrade")
    return database_url


def import_credits(server: Server, credits: Iterable[CreditRow]) -> Import:
    """Import a file of credits that the ledger does not hold yet.

    Raises:
        CommandError: the server did not write all of them.
    """
    new = list(credits)
    file = import_file(new)
    before = server.cpu_seconds()
    with server.client() as client:
        answer = client.send("POST", "/records/imports", file, {"Content-Type": "application/json"})
    if answer.status != HTTPStatus.ACCEPTED or answer.json["written"] != len(new):
        raise CommandError(f"The import of {len(new):,} rows got {answer.status}: {answer.body[:2000]!r}")
    return Import(len(new), answer.seconds, server.cpu_seconds() - before)


def fill(server: Server, first: int, count: int) -> list[Import]:
    """Import `count` made credits from the one numbered `first`, in files of 10,000."""
    imports = []
    for start in range(first, first + count, ROWS_OF_AN_IMPORT):
        rows = min(ROWS_OF_AN_IMPORT, first + count - start)
        imports.append(import_credits(server, made_credits(start, rows)))
    return imports


def copy_sqlite(database_url: str, copy: Path) -> str:
    """Copy a SQLite ledger, also one that is served, and return the address of the copy."""
    with closing(sqlite3.connect(file_of(database_url))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return sqlite_url(copy)


def size_of_sqlite(database_url: str) -> int:
    """Return the bytes of the pages in use, without those that the staged import file left free."""
    with closing(sqlite3.connect(file_of(database_url))) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def add_token(database_url: str) -> Mapping[str, str]:
    """Add the first account, and return the header by which a token of it may record and act."""
    account = ("user", "add", "measuring", "--role", "administrator", "--password-stdin")
    flask(database_url, *account, stdin=_PASSWORD)
    printed = flask(database_url, "token", "add", "measuring", "--role", "operator").output
    return {"Authorization": f"Bearer {printed.splitlines()[-1]}"}
