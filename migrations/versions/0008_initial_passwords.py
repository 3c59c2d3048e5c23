"""Since when a person has a password that somebody else chose."""

from migrations.runner import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(revision)
