"""Create the log with its triggers, the projections, and the tables of imports."""

from migrations.runner import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
