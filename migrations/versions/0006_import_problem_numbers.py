"""Add the block of a row to import problems, from which the split to propose is computed."""

from migrations.runner import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(revision)
