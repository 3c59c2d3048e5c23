"""Keep the checks of the whole ledger: their progress, their results and their history."""

from migrations.runner import run_sql

revision = "0024"
down_revision = "0023"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
