"""Grant the serving PostgreSQL account the privileges that it needs on each table, and no more.

The tables belong to another account, which runs the migrations. So with the serving account the log
cannot be rewritten, even if the triggers were dropped.
"""

from typing import Final

from sqlalchemy import Connection, text

from webapp.domain.errors import LedgerError
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import Base, db

_APPEND: Final = frozenset({"SELECT", "INSERT"})
_CHANGE: Final = _APPEND | {"UPDATE"}
_REPLACE: Final = _APPEND | {"DELETE"}

# The privileges of the serving account on every table of the models.
RIGHTS: Final[dict[str, frozenset[str]]] = {
    "credits": _APPEND,
    "events": _APPEND,
    "splits": _APPEND,
    "subjects": _APPEND,
    "feed": _APPEND,
    "log_marks": _APPEND,
    "serial_claims": _CHANGE | _REPLACE,
    "contested_claims": _CHANGE | _REPLACE,
    "serial_blocks": _CHANGE,
    "credit_states": _CHANGE,
    "registries": _APPEND,
    "registry_aliases": _REPLACE,
    "party_aliases": _REPLACE,
    "credit_facts": _REPLACE,
    "import_credits": _APPEND,
    "feed_runs": _CHANGE,
    "evidence_files": _APPEND,
    "log_nodes": _REPLACE,
    "log_keys": _APPEND,
    "checkpoints": _APPEND,
    "cosignatures": _APPEND,
    "totals": _CHANGE,
    "parties": _CHANGE,
    "standing_cells": _REPLACE,
    "standings": _CHANGE | _REPLACE,
    "day_sums": _CHANGE | _REPLACE,
    "standing_head": _CHANGE | _REPLACE,
    "imports": _CHANGE,
    "import_problems": _REPLACE,
    "import_rows": _REPLACE,
    "import_jobs": _CHANGE,
    "import_file_parts": _REPLACE,
    "import_source_rows": _REPLACE,
    "import_chunks": _CHANGE | _REPLACE,
    "column_mappings": _CHANGE,
    "dismissed_pairs": _REPLACE,
    "integrity_checks": _CHANGE | _REPLACE,
    "idempotency_keys": _CHANGE | _REPLACE,
    "users": _CHANGE,
    "sessions": _CHANGE | _REPLACE,
    "tokens": _CHANGE,
    "statement_links": _CHANGE,
    "account_log": _APPEND,
    "sign_in_failures": _REPLACE,
    "known_addresses": _REPLACE,
}
# Alembic's own table, which has no model. The server reads the schema revision from it.
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
    """The privileges were not changed. The message has the reason and what to do."""


def rights_by_table() -> dict[str, frozenset[str]]:
    """Return the privileges of the serving account on every table, including Alembic's.

    Raises KeyError if a table of the models is missing in RIGHTS.
    """
    return {name: RIGHTS[name] for name in Base.metadata.tables} | {_VERSION: frozenset({"SELECT"})}


def grant(role: str) -> None:
    """Grant the account the privileges for serving and revoke all others, in one transaction.

    Run it as the owner of the tables, on PostgreSQL, after each migration. Raises NotGranted if the
    account does not exist, or would keep further privileges.
    """
    if db.engine.dialect.name != "postgresql":
        raise NotGranted("SQLite has no accounts. Access is controlled by the permissions of its file.")

    def action(connection: Connection) -> None:
        _require_ordinary(connection, role)
        _grant(connection, role)
        _require_no_more(connection, role)

    transact(action)


def _require_ordinary(connection: Connection, role: str) -> None:
    """Raise NotGranted if the account does not exist, or is a superuser or owner."""
    found = connection.execute(
        text(
            "SELECT rolsuper, pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = :r"
        ),
        {"r": role},
    ).first()
    if found is None:
        raise NotGranted(f"PostgreSQL has no account {role}. Create it first: createuser {role}")
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        what = "is a superuser" if is_superuser else "can act as the owner of the tables"
        raise NotGranted(f"{role} {what}, so its privileges cannot be limited. Use another account.")


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
    """Raise NotGranted if the account has other privileges, for example through PUBLIC or another role."""
    rights = rights_by_table()
    held = connection.execute(_HELD, {"role": role, "tables": list(rights), "rights": _ALL})
    found = {(table, right) for table, right in held}
    due = {(table, right) for table, allowed in rights.items() for right in allowed}
    if due - found:
        raise NotGranted("Only the owner of the tables can grant privileges. Connect as that account.")
    for table, right in sorted(found - due):
        raise NotGranted(f"{role} has {right} on {table} through another role or PUBLIC. Revoke that first.")
    if connection.scalar(
        text("SELECT has_schema_privilege(:role, current_schema(), 'CREATE')"), {"role": role}
    ):
        schema = connection.scalar(text("SELECT current_schema()"))
        raise NotGranted(
            f"{role} can create tables and functions in the schema {schema}. "
            f"Revoke that first: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}"
        )
