"""Let the log have entries about other subjects than credits, such as imports and registries.

A table is added and triggers change; no event is moved.
"""

from migrations.runner import run_sql

revision = "0012"
down_revision = "0011"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
