"""Add the responses to requests with an idempotency key."""

from migrations.runner import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(revision)
