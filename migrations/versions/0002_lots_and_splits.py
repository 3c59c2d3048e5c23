"""Lots, corrections, and blocks of serial numbers of which none is held twice."""

from migrations.runner import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(revision)
