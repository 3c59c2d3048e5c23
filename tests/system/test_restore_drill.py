"""The drill of docs/operations.md: back up a ledger during writes, lose it, continue from the copy."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from scripts.machine import find_postgresql
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import BROKEN, Serve, Server, eventually, flask_within
from tests.services.postgresql import PostgresqlServer

WRITERS = 4
ENOUGH = 5 * WRITERS
NO_PROGRAMS = "THE DRILL ON POSTGRESQL (NO PG_DUMP BESIDE THE SERVER)"
RESTORED = "restored_in_a_drill"

_numbers = count(1)


@contextmanager
def writing(server: Server) -> Iterator[list[str]]:
    """Let clients record and retire credits; gives the ids for which both were acknowledged."""
    acknowledged: list[str] = []
    is_over = Event()

    def work() -> None:
        client = server.client()
        with suppress(*BROKEN):
            while not is_over.is_set():
                recorded = client.post("/records", a_credit(serial_number=f"DRILL-{next(_numbers):05}"))
                retired = client.post(f"/records/{recorded.json['id']}/retire")
                assert (recorded.status, retired.status) == (201, 200)
                acknowledged.append(recorded.json["id"])

    with ThreadPoolExecutor(WRITERS) as threads:
        working = [threads.submit(work) for _ in range(WRITERS)]
        try:
            yield acknowledged
        finally:
            is_over.set()
        for done in working:
            done.result()


def some_more(acknowledged: Sequence[str]) -> list[str]:
    """Wait until more is acknowledged than now; return all of it."""
    enough = len(acknowledged) + ENOUGH
    eventually(lambda: len(acknowledged) >= enough, "the writers go on")
    return list(acknowledged)


def succeeds(database_url: str, *arguments: str) -> str:
    """Run a command of the program and return what it prints."""
    done = flask_within(database_url, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def assert_goes_on(server: Server, kept: Path, acknowledged: Sequence[str]) -> None:
    """Fail where the ledger is not the one of that digest, or lacks what was acknowledged before it."""
    succeeds(server.database_url, "verify", "--expect", str(kept))
    client = server.client()
    for record_id in acknowledged:
        events = client.get(f"/records/{record_id}").json["events"]
        assert [event["event_type"] for event in events] == ["CREATED", "RETIRED"]
    assert client.post("/records", a_credit(serial_number="AFTER-THE-DRILL")).status == 201


def test_a_server_goes_on_from_a_backup_that_was_made_while_it_was_written_to(
    serve: Serve, make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database("sqlite")
    ledger, copy, kept = Path(url.removeprefix("sqlite:///")), tmp_path / "copy", tmp_path / "kept"
    server = serve(url)
    with writing(server) as acknowledged:
        before = some_more(acknowledged)
        kept.write_text(succeeds(url, "backup", str(copy)))
        some_more(acknowledged)
        server.kill()
    for lost in ledger.parent.glob(f"{ledger.name}*"):
        if lost.is_file():  # the keys of the log stay
            lost.unlink()
    shutil.copyfile(copy, ledger)
    # Where later events were signed before the kill, the log goes on under a new origin.
    if flask_within(url, "verify", "--expect", str(kept)).exit_code:
        succeeds(url, "log", "fork", "--yes")
    assert_goes_on(serve(url), kept, before)


@pytest.fixture
def restored(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """Give the address of a PostgreSQL database that is not there yet, and drop it at the end."""
    yield postgresql_server.url(RESTORED)
    run("dropdb", "--if-exists", "--force", *_reaching(postgresql_server), RESTORED)


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs, of the same version as the server."""
    folder = find_postgresql()
    assert folder is not None
    beside = (folder / "initdb").resolve().with_name(program)
    if not beside.exists():
        pytest.skip(NO_PROGRAMS)
    subprocess.run([beside, *arguments], check=True, timeout=60)


def _reaching(server: PostgresqlServer) -> list[str]:
    return [f"--host={server.folder}", "--username=postgres"]


def test_a_server_goes_on_from_a_dump_that_was_made_while_it_was_written_to(
    serve: Serve,
    make_database: MakeDatabase,
    tmp_path: Path,
    restored: str,
    postgresql_server: PostgresqlServer,
) -> None:
    url = make_database("postgresql")
    dump, kept = tmp_path / "ledger.dump", tmp_path / "kept"
    server = serve(url)
    with writing(server) as acknowledged:
        before = some_more(acknowledged)
        kept.write_text(succeeds(url, "verify"))
        run("pg_dump", "--format=custom", f"--file={dump}", url)
        some_more(acknowledged)
        server.kill()
    run("createdb", "--encoding=UTF8", "--template=template0", *_reaching(postgresql_server), RESTORED)
    run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={restored}", str(dump))
    assert_goes_on(serve(restored), kept, before)


def test_a_server_goes_on_from_an_archive_that_was_made_while_it_was_written_to(
    serve: Serve, make_database: MakeDatabase, tmp_path: Path, dialect: str
) -> None:
    url, other = make_database(dialect), make_database(dialect)
    archive, kept = tmp_path / "ledger.ndjson", tmp_path / "kept"
    server = serve(url)
    with writing(server) as acknowledged:
        before = some_more(acknowledged)
        kept.write_text(succeeds(url, "export", str(archive)))
        some_more(acknowledged)
        server.kill()
    succeeds(other, "restore", str(archive), "--expect", str(kept))
    assert_goes_on(serve(other), kept, before)
