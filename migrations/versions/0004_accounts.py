"""Add users, sessions, tokens, the audit log of accounts, and the tables of the login rate limit."""

from migrations.runner import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(revision)
