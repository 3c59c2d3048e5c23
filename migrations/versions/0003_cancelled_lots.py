"""A lot can be cancelled, and a split states the quantities of its lots."""

from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import op

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Execute the statements for this database. What the log gives for them, env.py fills in."""
    connection = op.get_bind()
    text = (SQL / f"{revision}_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    if connection.dialect.name == "postgresql":
        text = text.replace("@schema@", str(connection.scalar(sqlalchemy.func.current_schema())))
    # On the driver's own connection, where a per cent sign is only a per cent sign.
    driver: Any = connection.connection.driver_connection
    for statement in text.split("\n--;\n"):
        driver.execute(statement)
