"""Add the time since which a user has an initial password."""

from migrations.runner import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(revision)
