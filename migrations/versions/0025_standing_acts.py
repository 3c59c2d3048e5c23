"""Keep for whom and when each credit was sold or retired, and which events are of one import or act."""

from alembic import op

from migrations.runner import run_sql
from migrations.standing_rows import fill

revision = "0025"
down_revision = "0024"
# The new columns and the new table are filled; the other projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
    fill(op.get_bind())
