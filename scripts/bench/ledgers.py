"""Ledgers to measure on: made in a folder and filled by the program's own import."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench import made_credits
from scripts.bench.server import flask

ROWS_OF_AN_IMPORT: Final = 10_000
_PASSWORD: Final = "measured, then thrown away"


@dataclass(frozen=True)
class Ledger:
    """A migrated database with the first `size` made credits in it."""

    database_url: str
    size: int

    @property
    def file(self) -> Path:
        """The file of a SQLite ledger."""
        return Path(self.database_url.removeprefix("sqlite:///"))


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite3'}"


def make(database_url: str, folder: Path, size: int) -> Ledger:
    """Migrate an empty database and import `size` made credits; the folder is for the files."""
    flask(database_url, "db", "upgrade")
    for first in range(0, size, ROWS_OF_AN_IMPORT):
        file = write_import_file(folder, first, min(ROWS_OF_AN_IMPORT, size - first))
        flask(database_url, "import", str(file))
        file.unlink()
    return Ledger(database_url, size)


def write_import_file(folder: Path, first: int, count: int) -> Path:
    """Write a file of the made credits of `count` numbers from `first`."""
    file = folder / f"credits-{first}.json"
    file.write_bytes(made_credits.import_file(first, count))
    return file


def copy_sqlite(ledger: Ledger, folder: Path) -> Ledger:
    """Copy a SQLite ledger that no process has open into a new folder."""
    folder.mkdir()
    url = sqlite_url(folder)
    copy = Ledger(url, ledger.size)
    shutil.copyfile(ledger.file, copy.file)
    return copy


def add_token(ledger: Ledger) -> str:
    """Add an administrator, and return the secret of a token that may record and act."""
    flask(
        ledger.database_url,
        *("user", "add", "measuring", "--role", "administrator", "--password-stdin"),
        stdin=_PASSWORD,
    )
    return flask(ledger.database_url, "token", "add", "bench", "--role", "operator").strip()
