"""Keep the links that show one statement to anybody."""

from migrations.runner import run_sql

revision = "0015"
down_revision = "0014"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
