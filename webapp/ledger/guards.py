"""The triggers by which the database itself refuses a rewritten history, on both databases.

They hold against raw SQL from any client, also a bare SQLite one with `foreign_keys` and
`recursive_triggers` off. What they cannot hold against (a dropped trigger, an edited file) is
found by `flask verify`, which compares the triggers in place with these texts.

The texts in ``triggers_postgresql`` and ``triggers_sqlite`` are how the schema is now. A migration
carries its own copy, frozen.
"""

from webapp.ledger.triggers_postgresql import POSTGRESQL_FUNCTIONS, POSTGRESQL_TRIGGERS
from webapp.ledger.triggers_sqlite import SQLITE_SEARCH, SQLITE_TRIGGERS


def create_statements(dialect: str, schema: str = "public") -> list[str]:
    """Return the statements that put every guard in place; `schema` is PostgreSQL's."""
    if dialect == "sqlite":
        return [text.strip() for text in SQLITE_TRIGGERS.values()] + [SQLITE_SEARCH]
    # A fixed search path, so that no table of a session's own can stand in for the log.
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
