"""A cancelled credit is replaced at most once."""

from migrations.runner import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(revision)
