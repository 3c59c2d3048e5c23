"""Execute the SQL of a revision: one file for each database, `sql/REVISION_DIALECT.sql`.

No revision has a downgrade: events are never removed.
"""

from pathlib import Path
from typing import Any, Final

import sqlalchemy
from alembic import op

SQL: Final = Path(__file__).parent / "sql"
_SEPARATOR: Final = "\n--;\n"


def run_sql(revision: str) -> None:
    """Execute the SQL file of the revision for the database that is being migrated."""
    execute_file(op.get_bind(), f"{revision}_{{}}.sql")


def execute_file(connection: sqlalchemy.Connection, name: str) -> None:
    """Execute the statements of a file in `sql`.

    `{}` in the name stands for the dialect. In the statements for PostgreSQL, `@schema@` stands for
    the schema that the connection uses.
    """
    dialect = connection.dialect.name
    text = (SQL / name.format(dialect)).read_text(encoding="utf-8")
    if dialect == "postgresql":
        text = text.replace("@schema@", str(connection.scalar(sqlalchemy.func.current_schema())))
    # SQLAlchemy would take a per cent sign for a placeholder; the driver without parameters does not.
    driver: Any = connection.connection.driver_connection
    for statement in text.split(_SEPARATOR):
        driver.execute(statement)
