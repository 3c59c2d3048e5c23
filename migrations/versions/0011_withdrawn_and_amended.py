"""Let the log have WITHDRAWN and AMENDED events, and facts beside the identity.

Only triggers and an index change; no event is moved.
"""

from migrations.runner import run_sql

revision = "0011"
down_revision = "0010"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
