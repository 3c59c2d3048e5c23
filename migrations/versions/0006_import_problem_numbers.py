"""The numbers that the row of a problem states, so that the split to make can be said."""

from migrations.runner import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(revision)
