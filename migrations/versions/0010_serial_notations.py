"""Store the search texts without accents, and read more notations of serial numbers.

The program fills search_text of credit_states, which the database computed before. The serial index gets
the claims, series and numbers of the rules that hold now, in the order of the feed. Of credits that overlap
by these rules the first one recorded holds the numbers, and `flask verify` names the other. The log and the
other columns stay as they are, because differences in them may be evidence of tampering.
"""

from alembic import op

from migrations.serial_rows import refill_serial_index
from migrations.table_moves import Database, Row
from webapp.ledger.storage.search_text import search_text_of

revision = "0010"
down_revision = "0009"

MOVES_DERIVED = True

KEPT = (
    "created_position, credit, status, vintage, quantity_e4, created_at, changed_at, buyer, beneficiary,"
    " project_key, registry_key, serial_key"
)
# PostgreSQL keeps the column, in which only texts with such a character change.
CHANGED = "[^!-_a-~ ]"


def upgrade() -> None:
    database = Database(op.get_bind())
    if database.is_postgresql:
        database.run_file("0010_{}.sql")
        for batch in database.batches(
            "SELECT created_position, project_key, registry_key, serial_key FROM credit_states"
            f" WHERE search_text ~ '{CHANGED}'"
        ):
            rows = [(search_text(row), row[0]) for row in batch]
            database.send("UPDATE credit_states SET search_text = ? WHERE created_position = ?", rows)
    else:
        database.run_file("0010_{}_table.sql")
        database.copy(
            f"SELECT {KEPT} FROM credit_states_0009 ORDER BY created_position",
            "credit_states",
            f"{KEPT}, search_text",
            lambda row: (*row, search_text(row)),
        )
        database.run_file("0010_{}_indexes.sql")
    refill_serial_index(database)


def search_text(row: Row) -> str:
    """Return the search text of a row that ends with its canonical texts."""
    project_key, registry_key, serial_key = row[-3:]
    return search_text_of(project_key, registry_key, serial_key or "")
