"""Keep the plan of an import: its options, its rows, and the mappings of columns."""

from migrations.runner import run_sql

revision = "0013"
down_revision = "0012"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
