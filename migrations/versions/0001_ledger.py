"""The log with its guards, what is derived from it, and the imports."""

from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Execute the statements for this database. A log has no way back."""
    connection = op.get_bind()
    text = (SQL / f"{revision}_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    if connection.dialect.name == "postgresql":
        text = text.replace("@schema@", str(connection.scalar(sqlalchemy.func.current_schema())))
    # On the driver's own connection, where a per cent sign is only a per cent sign.
    driver: Any = connection.connection.driver_connection
    for statement in text.split("\n--;\n"):
        driver.execute(statement)
