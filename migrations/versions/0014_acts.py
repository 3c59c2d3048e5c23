"""Let an amendment name the act on many credits that recorded it.

Only triggers change; no event is moved.
"""

from migrations.runner import run_sql

revision = "0014"
down_revision = "0013"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
