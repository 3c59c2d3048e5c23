"""Serving as a PostgreSQL account that owns nothing: all that people do works, the log is out of reach."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from scripts.machine import find_postgresql
from tests.fixtures.cli import one_line, run
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import migrate, opened
from tests.fixtures.server import Serve, flask
from tests.fixtures.users import PASSWORD
from tests.services.postgresql import PostgresqlServer
from webapp.accounts import sessions, tokens, users
from webapp.accounts.actors import CLI
from webapp.accounts.errors import LoginFailed
from webapp.accounts.login import sign_in
from webapp.accounts.roles import Role
from webapp.config import ROOT
from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.permissions import RIGHTS
from webapp.ledger.storage import log_tables
from webapp.ledger.storage.engine import Base
from webapp.ledger.storage.triggers_postgresql import POSTGRESQL_TRIGGERS

ACCOUNT_SCRIPT = ROOT / "scripts" / "postgresql-account.sh"
LOG = sorted(table for table, when, _ in POSTGRESQL_TRIGGERS.values() if "TRUNCATE" in when)

# Before version 15, everybody may make tables in the schema public.
PUBLIC_CREATES_UNTIL = 150000


@dataclass(frozen=True)
class Places:
    """The addresses of one ledger for its owner and for the account that serves it."""

    owner: str
    serving: str

    @property
    def role(self) -> str:
        return str(make_url(self.serving).username)


@pytest.fixture(scope="module")
def untouched(postgresql_server: PostgresqlServer) -> Iterator[Places]:
    """Set up a ledger by the commands of docs/operations.md; nobody in it is a superuser."""
    owner, serving, database = (f"{name}_{os.getpid()}" for name in ("owner", "serving", "owned"))
    places = _places(postgresql_server.url(database), owner, serving)
    with psycopg.connect(postgresql_server.admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE ROLE "{owner}" LOGIN')
        admin.execute(f'CREATE ROLE "{serving}" LOGIN')
        admin.execute(f'CREATE DATABASE "{database}" OWNER "{owner}" TEMPLATE template0 ENCODING \'UTF8\'')
        if admin.info.server_version < PUBLIC_CREATES_UNTIL:
            with psycopg.connect(postgresql_server.url(database)) as inside:
                inside.execute(f'ALTER SCHEMA public OWNER TO "{owner}"')
                inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        migrate(places.owner)
        granted = flask(places.owner, "grant", serving)
        assert granted.returncode == 0, granted.stderr
        yield places
        admin.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        admin.execute(f'DROP ROLE "{serving}"')
        admin.execute(f'DROP ROLE "{owner}"')


def _places(admin_url: str, owner: str, serving: str) -> Places:
    def url(role: str) -> str:
        return make_url(admin_url).set(username=role).render_as_string(hide_password=False)

    return Places(url(owner), url(serving))


@pytest.fixture
def places(untouched: Places, postgresql_server: PostgresqlServer) -> Iterator[Places]:
    """Copy it for a test that records something."""
    owner, name = make_url(untouched.owner), f"owned_copy_{os.getpid()}"
    with psycopg.connect(postgresql_server.admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" OWNER "{owner.username}" TEMPLATE "{owner.database}"')
        yield _places(postgresql_server.url(name), str(owner.username), untouched.role)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def app(places: Places) -> Iterator[Flask]:
    """Open the application as the account that serves."""
    with opened(places.serving) as app:
        yield app


def test_every_table_says_what_serving_does_to_it() -> None:
    assert set(RIGHTS) == set(Base.metadata.tables)


def test_what_is_append_only_is_read_and_appended_to_by_right() -> None:
    assert {table.name for table in log_tables.LOG} <= set(LOG)
    assert {table: RIGHTS[table] for table in LOG} == {table: {"SELECT", "INSERT"} for table in LOG}


def test_all_that_people_do_works(places: Places, serve: Serve) -> None:
    client = serve(places.serving).client()
    whole = client.post("/records", a_credit(serial_number="SERVED-1")).json["id"]
    assert client.post(f"/records/{whole}/sell", {"quantity": "40", "buyer": "Acme"}).status == 200
    retired = client.post("/records", a_credit(serial_number="SERVED-2")).json["id"]
    assert client.post(f"/records/{retired}/retire", {"beneficiary": "Acme"}).status == 200
    wrong = client.post("/records", a_credit(serial_number="SERVED-3")).json["id"]
    assert client.post(f"/records/{wrong}/cancel", {"reason": "a slip"}).status == 200
    rows = [a_credit(serial_number=f"SERVED-IN-{row}") for row in range(60)]
    done = client.post("/records/imports", rows)
    assert (done.status, done.json["written"]) == (202, 60)
    bad = client.post("/records/imports", [a_credit(serial_number="SERVED-4", vintage=1800)])
    assert (bad.status, bad.json["state"], bad.json["written"]) == (202, "failed", 0)
    assert client.get("/records?q=SERVED").json["items"]
    assert client.get("/").status == client.get("/imports").status == 200


@pytest.mark.usefixtures("app", "quick_passwords")
def test_people_sign_in_and_programs_come_with_tokens() -> None:
    person = users.add_first("Ada", PASSWORD, CLI)
    with pytest.raises(LoginFailed):
        sign_in("Ada", "not her password", "192.0.2.1")
    secret = sign_in("Ada", PASSWORD, "192.0.2.1").secret
    assert sessions.find(secret) == person
    made = tokens.create("reporting", Role.VIEWER, person.actor)
    assert tokens.find(made.secret)
    tokens.revoke(made.token.id, person.actor)
    users.change_role(users.add("Ben", Role.VIEWER, PASSWORD, CLI).id, Role.OPERATOR, CLI)
    sessions.end(secret)


def test_the_ledger_is_verified_exported_and_found_up_to_date(app: Flask, tmp_path: Path) -> None:
    recorded(serial_number="VERIFIED")
    verified = run(app, "verify")
    assert (verified.exit_code, verified.stderr) == (0, "Nothing is wrong.\n")
    assert run(app, "export", str(tmp_path / "log")).stdout == verified.stdout
    upgrade(str(ROOT / "migrations"))


def test_a_rebuild_is_for_the_owner(app: Flask, places: Places) -> None:
    assert "may not do this: permission denied for table" in one_line(run(app, "rebuild"))
    with opened(places.owner) as owned:
        assert run(owned, "rebuild").exit_code == 0


REFUSED = [
    *(f"UPDATE {table} SET {column} = {column}" for table, column in [("events", "seq"), ("credits", "id")]),
    *(f"DELETE FROM {table}" for table in LOG),
    *(f"TRUNCATE {table} CASCADE" for table in LOG),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in LOG),
    *(f"DROP TABLE {table} CASCADE" for table in LOG),
    *(f"CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION now()" for table in LOG),
    "DROP TRIGGER events_refuse_change ON events",
    "DROP FUNCTION ledger_guard_event() CASCADE",
    "CREATE OR REPLACE FUNCTION ledger_guard_event() RETURNS trigger LANGUAGE plpgsql AS ''",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE mine (id int)",
    "DROP INDEX uq_events_retired_once",
    "SET session_replication_role = replica",
    "COPY events TO PROGRAM 'cat'",
    "UPDATE alembic_version SET version_num = '0000'",
    "DELETE FROM imports",
    "DELETE FROM totals",
    "UPDATE registries SET name = name",
    "UPDATE registry_aliases SET alias = alias",
    "UPDATE party_aliases SET alias = alias",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_what_serving_never_does(untouched: Places, statement: str) -> None:
    with (
        psycopg.connect(untouched.serving) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_table_without_rights_is_unavailability_and_names_the_command(app: Flask, places: Places) -> None:
    with psycopg.connect(places.owner) as owner:
        owner.execute(f'REVOKE ALL ON totals FROM "{places.role}"')
    with pytest.raises(LedgerUnavailable, match=r"permission denied for table totals.*flask grant"):
        recorded(serial_number="FORGOTTEN")
    with opened(places.owner) as owned:
        assert run(owned, "grant", places.role).exit_code == 0
    assert app.test_client().get("/").status_code == 200


def test_a_grant_takes_away_what_was_given_beyond_it(places: Places) -> None:
    with psycopg.connect(places.owner) as owner:
        owner.execute(f'GRANT ALL ON events, totals TO "{places.role}"')
        owner.execute(f'GRANT UPDATE (body) ON events TO "{places.role}"')
    with opened(places.owner) as owned:
        assert run(owned, "grant", places.role).exit_code == 0
    with psycopg.connect(places.serving) as serving:
        held = "SELECT has_any_column_privilege('events', 'UPDATE'), has_table_privilege('events', 'TRIGGER')"
        assert serving.execute(held).fetchone() == (False, False)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("GRANT DELETE ON feed TO PUBLIC", "REVOKE DELETE ON feed FROM PUBLIC", "has DELETE on feed through"),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "REVOKE CREATE ON SCHEMA public",
        ),
    ],
)
def test_rights_that_come_from_elsewhere_are_refused(
    places: Places, before: str, after: str, said: str
) -> None:
    with psycopg.connect(places.owner, autocommit=True) as owner, opened(places.owner) as owned:
        owner.execute(before)
        try:
            assert said in one_line(run(owned, "grant", places.role))
        finally:
            owner.execute(after)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("nobody of this name", "PostgreSQL has no account nobody of this name."),
        ("postgres", "postgres is a superuser"),
        (None, "can act as the owner of the tables"),
    ],
)
def test_an_account_from_which_nothing_can_be_withheld_is_refused(
    places: Places, role: str | None, said: str
) -> None:
    with opened(places.owner) as owned:
        assert said in one_line(run(owned, "grant", role or str(make_url(places.owner).username)))


def test_who_does_not_own_the_tables_gives_no_rights(places: Places) -> None:
    with opened(places.serving) as app:
        line = one_line(run(app, "grant", "pg_monitor"))
    assert line.startswith("The database account may not do this: permission denied")


def test_on_sqlite_there_are_no_accounts(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'ledger.sqlite3'}") as app:
        assert one_line(run(app, "grant", "somebody")).startswith("SQLite has no accounts")


def test_the_compose_file_creates_an_account_that_may_only_connect(
    postgresql_server: PostgresqlServer,
) -> None:
    environment = {
        "PATH": f"{find_postgresql()}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(postgresql_server.folder),
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "LEDGER_WEB_PASSWORD": "with a ' and a \\",
    }
    subprocess.run(["sh", str(ACCOUNT_SCRIPT)], env=environment, check=True, capture_output=True, timeout=60)
    powers = "rolsuper OR rolcreatedb OR rolcreaterole"
    asked = f"SELECT rolcanlogin, {powers} FROM pg_roles WHERE rolname = 'ledger_web'"
    with psycopg.connect(postgresql_server.admin_url, autocommit=True) as admin:
        created = admin.execute(asked).fetchall()
        admin.execute("DROP ROLE ledger_web")
    assert created == [(True, False)]
