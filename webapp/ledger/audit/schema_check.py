"""Check the schema: every table, index, constraint and trigger is as this program creates it.

The expected schema is created from the models and triggers, on SQLite in memory and on PostgreSQL as
temporary tables that are rolled back. Then the descriptions of both schemas in the database's catalogs
are compared. The real schema is not changed.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, create_engine, text

from webapp.ledger.audit.findings import Finding, Report, differences
from webapp.ledger.storage.engine import Base
from webapp.ledger.storage.triggers_postgresql import POSTGRESQL_FUNCTIONS, POSTGRESQL_TRIGGERS
from webapp.ledger.storage.triggers_sqlite import SQLITE_SEARCH, SQLITE_TRIGGERS


class Part(NamedTuple):
    """A part of the schema: its kind, such as "index", its table ("" for none) and its name."""

    kind: str
    table: str
    name: str

    @property
    def place(self) -> str:
        """The name of the part in findings."""
        on = f" of {self.table}" if self.table and self.kind != "table" else ""
        return f"{self.kind} {self.name}{on}"


# The properties of each part, as the database's catalogs have them.
Schema = dict[Part, dict[str, object]]

# Alembic's own table has no model. Triggers and rules on it would run during migrations.
_VERSION: Final = "alembic_version"
_ACTING: Final = frozenset({"trigger", "rule"})


def check_schema(connection: Connection, report: Report) -> None:
    """Report every part that is missing, changed, disabled, or additional.

    An additional part of a ledger table may change or refuse rows, or run foreign code at each write.
    Even an index on an expression can do that.
    """
    if connection.dialect.name == "sqlite":
        found, expected = _describe_sqlite(connection), _expected_sqlite()
    else:
        found, expected = _describe_postgresql(connection), _expected_postgresql(connection)
        _check_session(connection, report)
    _compare(found, expected, report)


def _compare(found: Schema, expected: Schema, report: Report) -> None:
    for part, facets in expected.items():
        if part not in found:
            report(Finding(part.place, "is missing"))
            continue
        for wrong in differences(found[part], facets, "this program makes it"):
            report(Finding(part.place, f"was changed: {wrong}"))
    # Any additional part of a ledger table can change what is stored, accepted or found. Even an index
    # refuses a row for which it cannot be computed, and is read instead of the table.
    ours = {part.table for part in expected if part.table}
    for part in sorted(found.keys() - expected.keys()):
        if part.table in ours or (part.table == _VERSION and part.kind in _ACTING):
            report(Finding(part.place, "does not belong to this program"))


def _expected_sqlite() -> Schema:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        for statement in trigger_statements("sqlite"):
            connection.exec_driver_sql(statement)
        schema = _describe_sqlite(connection)
    engine.dispose()
    return schema


def _describe_sqlite(connection: Connection) -> Schema:
    rows = connection.exec_driver_sql(
        "SELECT type, tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    )
    schema: Schema = {}
    for row in rows:
        definition = " ".join(row.sql.split())
        is_unique = row.type == "index" and definition.upper().startswith("CREATE UNIQUE")
        kind = "unique index" if is_unique else row.type
        # A trigger's row has the table in the spelling of its statement, such as ON Events.
        schema[Part(kind, row.tbl_name.lower(), row.name)] = {"definition": definition}
    keys = connection.exec_driver_sql(
        'SELECT master.name, key.id, key."table" FROM sqlite_master AS master '
        "JOIN pragma_foreign_key_list(master.name) AS key WHERE master.type = 'table'"
    )
    for row in keys:
        schema[Part("foreign key", row.table.lower(), f"{row.name}.{row.id}")] = {}
    return schema


def _expected_postgresql(connection: Connection) -> Schema:
    """Create the schema as temporary tables, describe it, and roll it back."""
    schema = str(connection.scalar(text("SELECT current_schema()")))
    path = str(connection.scalar(text("SHOW search_path")))
    savepoint = connection.begin_nested()
    try:
        # New tables are created in the temporary schema, and names are looked up there first.
        connection.exec_driver_sql(f"SET LOCAL search_path = pg_temp, {path}")
        connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
        Base.metadata.create_all(connection, checkfirst=False)
        for statement in trigger_statements("postgresql", schema):
            # Functions are not looked up in the temporary schema unless it is named.
            in_temp = re.sub(r"\A(CREATE FUNCTION )|(EXECUTE FUNCTION )", r"\1\2pg_temp.", statement)
            connection.exec_driver_sql(in_temp.replace("%", "%%"))
        return _describe_postgresql(connection)
    finally:
        savepoint.rollback()


# "{}" is the schema to describe. In definitions, the name of the temporary schema is removed and those of
# other schemas stay, so a trigger that calls a function in another schema differs.
_TABLES: Final = """
SELECT relname AS "table", relname AS name, relkind::text AS kind, relrowsecurity AS row_security
  FROM pg_class WHERE relnamespace = {} AND relkind IN ('r', 'p', 'v', 'm', 'f')"""
_COLUMNS: Final = """
SELECT relname AS "table", attname AS name, format_type(atttypid, atttypmod) AS type,
       attnotnull AS not_null, collname AS collation, pg_get_expr(adbin, adrelid) AS default,
       attidentity::text AS identity, attgenerated::text AS generated
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  LEFT JOIN pg_collation ON pg_collation.oid = attcollation
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = {} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"""
_CONSTRAINTS: Final = """
SELECT relname AS "table", conname AS name, convalidated AS validated,
       pg_get_constraintdef(pg_constraint.oid, true) AS definition
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE relnamespace = {}"""
_INDEXES: Final = """
SELECT owner.relname AS "table", pg_class.relname AS name, indisunique AS is_unique,
       indisvalid AND indisready AND indislive AS valid,
       pg_get_indexdef(indexrelid, 0, true) AS definition
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  JOIN pg_class AS owner ON owner.oid = indrelid WHERE owner.relnamespace = {}"""
_TRIGGERS: Final = """
SELECT relname AS "table", tgname AS name, tgenabled::text AS enabled,
       pg_get_triggerdef(pg_trigger.oid, true) AS definition
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE relnamespace = {} AND NOT tgisinternal"""
_FOREIGN_KEYS: Final = """
SELECT relname AS "table", 'foreign keys' AS name, bool_and(tgenabled = 'O') AS enabled
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE relnamespace = {} AND tgisinternal GROUP BY relname"""
_REFERENCES: Final = """
SELECT referenced.relname AS "table", pg_class.relname || '.' || conname AS name
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  JOIN pg_class AS referenced ON referenced.oid = confrelid
 WHERE contype = 'f' AND referenced.relnamespace = {}"""
_CHILDREN: Final = """
SELECT parent.relname AS "table", child.relname AS name
  FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent
  JOIN pg_class AS child ON child.oid = inhrelid WHERE parent.relnamespace = {}"""
_FUNCTIONS: Final = """
SELECT '' AS "table", proname AS name, prosrc AS source, proconfig::text AS settings,
       lanname AS language, prosecdef AS as_owner, format_type(prorettype, NULL) AS returns
  FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
 WHERE pronamespace = {} AND pronargs = 0 AND proname LIKE 'ledger\\_%%'"""
_RULES: Final = """
SELECT tablename AS "table", rulename AS name, definition FROM pg_rules
 WHERE schemaname = (SELECT nspname FROM pg_namespace WHERE oid = {})"""


def _describe_postgresql(connection: Connection) -> Schema:
    """Describe the first schema of the search path, which is the real or the temporary one."""
    first = str(connection.scalar(text("SHOW search_path"))).startswith("pg_temp")
    namespace = "pg_my_temp_schema()" if first else "current_schema()::regnamespace"
    schema: Schema = {}
    for kind, query in {
        "table": _TABLES,
        "column": _COLUMNS,
        "constraint": _CONSTRAINTS,
        "index": _INDEXES,
        "trigger": _TRIGGERS,
        "checking": _FOREIGN_KEYS,
        "foreign key": _REFERENCES,
        "child table": _CHILDREN,
        "function": _FUNCTIONS,
        "rule": _RULES,
    }.items():
        schema |= _parts(kind, connection.exec_driver_sql(query.format(namespace)))
    return schema


def _parts(kind: str, rows: Iterable[Row[Any]]) -> Schema:
    schema: Schema = {}
    for row in rows:
        facets = {name: _unqualified(value) for name, value in _facets(row).items()}
        actual = "unique index" if facets.get("is_unique") else kind
        schema[Part(actual, row.table, row.name)] = facets
    return schema


def _facets(row: Row[Any]) -> Mapping[str, object]:
    return {name: value for name, value in row._mapping.items() if name not in {"table", "name"}}


def _unqualified(value: object) -> object:
    return re.sub(r"\bpg_temp(_[0-9]+)?\.", "", value) if isinstance(value, str) else value


def _check_session(connection: Connection, report: Report) -> None:
    """Report a setting of the server or role that disables triggers for whole sessions."""
    role = connection.scalar(text("SHOW session_replication_role"))
    if role != "origin":
        report(Finding("setting session_replication_role", f"is {role}: triggers do not fire"))


def trigger_statements(dialect: str, schema: str = "public") -> list[str]:
    """Return the statements that create all triggers. `schema` is used for PostgreSQL only."""
    if dialect == "sqlite":
        return [text.strip() for text in SQLITE_TRIGGERS.values()] + [SQLITE_SEARCH]
    # The search path is fixed, so that a temporary table cannot take the place of a log table.
    functions = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
        f'SET search_path = "{schema}", pg_temp AS $guard${body}$guard$'
        for name, body in POSTGRESQL_FUNCTIONS.items()
    ]
    triggers = [
        f"CREATE TRIGGER {name} {when.format(table)} EXECUTE FUNCTION {function}()"
        for name, (table, when, function) in POSTGRESQL_TRIGGERS.items()
    ]
    return functions + triggers
