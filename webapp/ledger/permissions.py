"""What the database account that serves may do, on PostgreSQL: never more than each table needs.

The tables belong to another account, which migrates. So whoever gets hold of the server's account
cannot rewrite the log even where the guards were gone: it has no right to, and cannot take one.
"""

from typing import Final

from sqlalchemy import Connection, text

from webapp.domain.errors import LedgerError
from webapp.ledger.storage.engine import Base, db
from webapp.ledger.writer import transact

_APPEND: Final = frozenset({"SELECT", "INSERT"})
_CHANGE: Final = _APPEND | {"UPDATE"}
_REPLACE: Final = _APPEND | {"DELETE"}

# Every table of the models stands here, with what the program does to it while it serves.
RIGHTS: Final[dict[str, frozenset[str]]] = {
    "credits": _APPEND,
    "events": _APPEND,
    "splits": _APPEND,
    "feed": _APPEND,
    "log_marks": _APPEND,
    "serial_claims": _REPLACE,
    "serial_blocks": _CHANGE,
    "credit_states": _CHANGE,
    "registries": _APPEND,
    "totals": _CHANGE,
    "parties": _CHANGE,
    "imports": _CHANGE,
    "import_problems": _REPLACE,
    "idempotency_keys": _CHANGE | _REPLACE,
    "users": _CHANGE,
    "sessions": _CHANGE | _REPLACE,
    "tokens": _CHANGE,
    "account_log": _APPEND,
    "sign_in_failures": _REPLACE,
    "known_addresses": _REPLACE,
}
# Alembic's own table, which is no model: the server asks which schema it stands on.
_VERSION: Final = "alembic_version"

_ALL: Final = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
_SEQUENCES: Final = text(
    "SELECT sequence.relname FROM pg_depend"
    " JOIN pg_class AS sequence ON sequence.oid = pg_depend.objid AND sequence.relkind = 'S'"
    " JOIN pg_class AS owner ON owner.oid = pg_depend.refobjid"
    " WHERE pg_depend.classid = 'pg_class'::regclass AND pg_depend.refclassid = 'pg_class'::regclass"
    " AND owner.relnamespace = current_schema()::regnamespace AND owner.relname = ANY(:tables)"
)
_HELD: Final = text(
    "SELECT name, held FROM unnest(CAST(:tables AS text[])) AS name, unnest(CAST(:rights AS text[])) AS held"
    " WHERE has_table_privilege(:role, format('%I.%I', current_schema(), name), held)"
)


class NotGranted(LedgerError):
    """No right was given or taken; `str()` says why, and what to do about it."""


def rights_by_table() -> dict[str, frozenset[str]]:
    """Return what the serving account may do to every table there is.

    Raises KeyError for a table of the models that nobody gave rights to.
    """
    return {name: RIGHTS[name] for name in Base.metadata.tables} | {_VERSION: frozenset({"SELECT"})}


def grant(role: str) -> None:
    """Give the account what serving needs, and take away what it had beyond that, or do nothing.

    Run it as the owner of the tables, on PostgreSQL, after each migration. Raises NotGranted where
    that account could do more all the same, or is not there.
    """
    if db.engine.dialect.name != "postgresql":
        raise NotGranted("SQLite knows no accounts: whoever can write its file can do everything.")

    def action(connection: Connection) -> None:
        _require_ordinary(connection, role)
        _grant(connection, role)
        _require_no_more(connection, role)

    transact(action)


def _require_ordinary(connection: Connection, role: str) -> None:
    """Refuse an account from which nothing could be withheld."""
    found = connection.execute(
        text(
            "SELECT rolsuper, pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = :r"
        ),
        {"r": role},
    ).first()
    if found is None:
        raise NotGranted(f"PostgreSQL has no account {role}. Make it first: createuser {role}")
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        what = "is a superuser" if is_superuser else "can act as the owner of the tables"
        raise NotGranted(f"{role} {what}, so nothing could be withheld from it. Take another account.")


def _grant(connection: Connection, role: str) -> None:
    def execute(statement: str, *names: str) -> None:
        quoted = [connection.dialect.identifier_preparer.quote(name) for name in names]
        connection.exec_driver_sql(statement.format(*quoted).replace("%", "%%"))

    schema = str(connection.scalar(text("SELECT current_schema()")))
    rights = rights_by_table()
    execute("GRANT USAGE ON SCHEMA {} TO {}", schema, role)
    for table, allowed in rights.items():
        execute("REVOKE ALL ON TABLE {}.{} FROM {}", schema, table, role)
        execute(f"GRANT {', '.join(sorted(allowed))} ON TABLE {{}}.{{}} TO {{}}", schema, table, role)
    for sequence in connection.scalars(_SEQUENCES, {"tables": list(rights)}).all():
        execute("REVOKE ALL ON SEQUENCE {}.{} FROM {}", schema, sequence, role)
        execute("GRANT USAGE ON SEQUENCE {}.{} TO {}", schema, sequence, role)


def _require_no_more(connection: Connection, role: str) -> None:
    """Look at what the account may do in the end: rights also come from PUBLIC and from other roles."""
    rights = rights_by_table()
    held = connection.execute(_HELD, {"role": role, "tables": list(rights), "rights": _ALL})
    found = {(table, right) for table, right in held}
    due = {(table, right) for table, allowed in rights.items() for right in allowed}
    if due - found:
        raise NotGranted("Rights are given by the owner of the tables: connect as that account.")
    for table, right in sorted(found - due):
        raise NotGranted(
            f"{role} has {right} on {table} through another role or PUBLIC. Take that away first."
        )
    if connection.scalar(
        text("SELECT has_schema_privilege(:role, current_schema(), 'CREATE')"), {"role": role}
    ):
        schema = connection.scalar(text("SELECT current_schema()"))
        raise NotGranted(
            f"{role} may make tables and functions in the schema {schema}. "
            f"Take that away first: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}"
        )
