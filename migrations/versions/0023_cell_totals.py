"""Keep the totals of each cell of the standings, and fill them from its days."""

from migrations.runner import run_sql

revision = "0023"
down_revision = "0020"
# The other projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
