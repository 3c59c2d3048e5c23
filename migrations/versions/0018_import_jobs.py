"""Keep the jobs of large imports: their files, staged rows and chunks."""

from migrations.runner import run_sql

revision = "0018"
down_revision = "0017"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
