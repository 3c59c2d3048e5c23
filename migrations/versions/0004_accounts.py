"""People, sessions, tokens, the log of accounts, and what throttles signing in."""

from migrations.runner import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(revision)
