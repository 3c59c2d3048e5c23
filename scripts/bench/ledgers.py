"""Ledgers to measure, created by the program's own commands and filled by its import."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from scripts.bench.made_credits import import_file, made_credits
from scripts.bench.server import Server, flask
from server.terminal import CommandError
from tests.fixtures.ledger import log_keys_of

ROWS_OF_AN_IMPORT: Final = 10_000
_PASSWORD: Final = b"measured, then thrown away"


@dataclass(frozen=True)
class Import:
    """An import over HTTP: its rows, its duration, and the server's CPU time."""

    rows: int
    seconds: float
    cpu_seconds: float


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def file_of(database_url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(database_url.removeprefix("sqlite:///"))


def migrate(database_url: str) -> str:
    """Create the tables of a new database and return its URL."""
    flask(database_url, "db", "upgrade")
    return database_url


def import_credits(server: Server, credits: Iterable[Mapping[str, object]]) -> Import:
    """Import new credits as a file, which may have columns of their retirements.

    Raises:
        CommandError: the server did not record all of them.
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
    """Import `count` generated credits from number `first` on, in files of 10,000."""
    imports = []
    for start in range(first, first + count, ROWS_OF_AN_IMPORT):
        rows = min(ROWS_OF_AN_IMPORT, first + count - start)
        imports.append(import_credits(server, made_credits(start, rows)))
    return imports


def copy_sqlite(database_url: str, copy: Path) -> str:
    """Copy an SQLite ledger, even a served one, with the keys of its log; return the URL of the copy."""
    with closing(sqlite3.connect(file_of(database_url))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    url = sqlite_url(copy)
    keys = log_keys_of(database_url)
    if keys.is_dir():
        shutil.copytree(keys, log_keys_of(url), dirs_exist_ok=True)
    return url


def size_of_sqlite(database_url: str) -> int:
    """Return the bytes of the pages in use, without free pages of the staged import."""
    with closing(sqlite3.connect(file_of(database_url))) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def add_token(database_url: str) -> Mapping[str, str]:
    """Add the first account and an operator token, and return the header with the token."""
    account = ("user", "add", "measuring", "--role", "administrator", "--password-stdin")
    flask(database_url, *account, stdin=_PASSWORD)
    printed = flask(database_url, "token", "add", "measuring", "--role", "operator").output
    return {"Authorization": f"Bearer {printed.splitlines()[-1]}"}
