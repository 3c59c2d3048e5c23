"""A lot can be cancelled, and a split states the quantities of its lots."""

from migrations.runner import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(revision)
