"""Keep for whom and when each credit was sold or retired, and which events are of one import or act.

The new columns and table stay empty in a ledger that has sold, retired, withdrawn and imported nothing.
Otherwise the projections are rebuilt, which fills them.
"""

from alembic import op
from sqlalchemy import text

from migrations.runner import run_sql

revision = "0025"
down_revision = "0024"
MOVES_DERIVED = True

_HAS_ANY = text(
    "SELECT 1 FROM feed WHERE type IN ('SOLD', 'RETIRED', 'WITHDRAWN', 'IMPORTED', 'AMENDED', 'CANCELLED')"
    " LIMIT 1"
)


def upgrade() -> None:
    run_sql(revision)
    if op.get_bind().scalar(_HAS_ANY) is not None:
        globals()["MOVES_DERIVED"] = False  # `env` reads it after the last migration
