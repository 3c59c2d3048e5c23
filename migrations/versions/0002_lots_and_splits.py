"""Add lots, corrections, and blocks of serial numbers that are held at most once."""

from migrations.runner import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(revision)
