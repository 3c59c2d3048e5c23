"""Let acts name files as evidence, and find the act that names one.

A trigger changes and a table is added; no event is moved.
"""

from migrations.runner import run_sql

revision = "0028"
down_revision = "0027"
# No recorded event names a file, so the new table is empty, and the other projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
