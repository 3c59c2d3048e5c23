"""The log with its guards, what is derived from it, and the imports."""

from migrations.runner import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
