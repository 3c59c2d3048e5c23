"""Let the log have entries that join names of a party; keep these names, and dismissed proposals.

Tables are added and the trigger of entries changes; no event is moved.
"""

from migrations.runner import run_sql

revision = "0020"
down_revision = "0019"
# The projections stay as they are: the log has no such entry yet.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
