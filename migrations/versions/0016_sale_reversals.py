"""Let a sale be reversed.

Only triggers change; no event is moved.
"""

from migrations.runner import run_sql

revision = "0016"
down_revision = "0015"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
