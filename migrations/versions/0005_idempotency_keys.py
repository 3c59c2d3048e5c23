"""The answers to requests that carried an idempotency key."""

from pathlib import Path
from typing import Any

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Execute the statements for this database."""
    connection = op.get_bind()
    text = (SQL / f"{revision}_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    # On the driver's own connection, where a per cent sign is only a per cent sign.
    driver: Any = connection.connection.driver_connection
    for statement in text.split("\n--;\n"):
        driver.execute(statement)
