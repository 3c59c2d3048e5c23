"""Shared resources of the figures: the bare route, filled ledgers with servers, and measured loads.

Each is created on first use, so that a run of a few figures creates only what they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from scripts.bench import ledgers, workload
from scripts.bench.beside import BareRoute, Beside
from scripts.bench.import_cost import inserting_into_sqlite_seconds
from scripts.bench.ledgers import ROWS_OF_AN_IMPORT, Import
from scripts.bench.load import Load
from scripts.bench.postgresql import Postgresql, serving_postgresql
from scripts.bench.server import BARE_ROUTE, LEDGER, Server, serving

# Prepared requests per second of a load; a create can be sent only once.
CREATES_A_SECOND_MAX: Final = 3_000


@dataclass(frozen=True)
class FilledLedger:
    """A served ledger, with the measurements of its imports.

    `first_import` is the URL of a copy with the credits of the first import only, `size_bytes` the disk space
    of the credits.
    """

    database_url: str
    server: Server
    imports: list[Import]
    first_import: str
    ids: list[str]
    size_bytes: int


class Workbench:
    """Creates the measured ledgers and servers in a temporary folder."""

    def __init__(
        self, stack: ExitStack, folder: Path, seconds: int, credits: int, tell: Callable[[str], None]
    ) -> None:
        """Take the seconds of each load and the number of credits of a ledger."""
        self.folder = folder
        self.seconds = seconds
        self.tell = tell
        self._stack = stack
        self.credits = credits
        self._next_number = credits

    @cached_property
    def bare(self) -> BareRoute:
        """The bare route, after a first measurement."""
        return BareRoute(self.serve(BARE_ROUTE), self.seconds, self.tell)

    @cached_property
    def sqlite(self) -> FilledLedger:
        """A ledger in an SQLite file, with all credits of the run."""
        self.tell(f"Importing {self.credits:,} credits into SQLite")
        url = ledgers.migrate(ledgers.sqlite_url(self.folder / "ledger.sqlite3"))
        server = self.serve(LEDGER, url)
        rows = min(self.credits, ROWS_OF_AN_IMPORT)
        imports = ledgers.fill(server, 0, rows)
        first_import = ledgers.copy_sqlite(url, self.folder / "first-import.sqlite3")
        imports += ledgers.fill(server, rows, self.credits - rows)
        size = ledgers.size_of_sqlite(url)
        return FilledLedger(url, server, imports, first_import, list(workload.record_ids(server)), size)

    @cached_property
    def empty_sqlite(self) -> str:
        """A migrated SQLite file without credits."""
        return ledgers.migrate(ledgers.sqlite_url(self.folder / "empty.sqlite3"))

    @cached_property
    def guarded_insert_seconds(self) -> float:
        """The CPU of the driver's executemany for the first import into SQLite, with triggers and CHECKs."""
        return inserting_into_sqlite_seconds(self.sqlite.first_import, self.empty_sqlite, is_guarded=True)

    @cached_property
    def postgresql(self) -> FilledLedger:
        """A ledger on PostgreSQL, of one import. Its CPU includes the database server."""
        rows = min(self.credits, ROWS_OF_AN_IMPORT)
        self.tell(f"Importing {rows:,} credits into PostgreSQL")
        database = self.postgresql_server
        first_import = database.migrated("first_import")
        with serving(self.folder, LEDGER, first_import) as filling:
            before = database.cpu_seconds()
            made = ledgers.fill(filling, 0, rows)[0]
            cpu_seconds = made.cpu_seconds + database.cpu_seconds() - before
        url = database.copied("first_import", "ledger")
        server = self.serve(LEDGER, url)
        imports = [Import(made.rows, made.seconds, cpu_seconds)]
        size = database.size_of("ledger")
        return FilledLedger(url, server, imports, first_import, list(workload.record_ids(server)), size)

    @cached_property
    def postgresql_server(self) -> Postgresql:
        """The temporary PostgreSQL server."""
        return self._stack.enter_context(serving_postgresql())

    def serve(self, app: str, database_url: str = "") -> Server:
        """Serve an application until the end of the run."""
        return self._stack.enter_context(serving(self.folder, app, database_url))

    @cached_property
    def create(self) -> Beside:
        """Creates on SQLite, by the local user and without a key."""
        return self.bare.beside("create", self.sqlite.server, self.creates())

    @cached_property
    def read(self) -> Beside:
        """Reads of a record on SQLite, by the local user."""
        return self.bare.beside("read", self.sqlite.server, workload.reads(self.sqlite.ids))

    @cached_property
    def retire(self) -> Beside:
        """Retirements on SQLite, of one half of the credits, by the local user and without a key."""
        half = self.sqlite.ids[::2]
        return self.bare.beside("retire", self.sqlite.server, workload.retires(half))

    def creates(self, headers: Mapping[str, str] = workload.NO_HEADERS, *, has_keys: bool = False) -> Load:
        """Return creates of new credits, more than can be sent."""
        wanted = CREATES_A_SECOND_MAX * self.seconds
        return workload.creates(self.new_numbers(wanted), wanted, headers, has_keys=has_keys)

    def new_numbers(self, wanted: int) -> int:
        """Reserve `wanted` numbers of generated credits that are new in this run, and return the first."""
        first = self._next_number
        self._next_number += wanted
        return first
