"""Keep what credits were on each day, as known at each position.

The new tables are filled afterwards, from the log.
"""

from migrations.runner import run_sql

revision = "0019"
down_revision = "0018"
# The other projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
