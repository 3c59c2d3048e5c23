"""Allow lots to be cancelled, and require the quantities of the lots in a SPLIT event."""

from migrations.runner import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(revision)
