"""Allow at most one replacement of a cancelled credit."""

from migrations.runner import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(revision)
