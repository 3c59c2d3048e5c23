"""Keep the aliases of registries, and the facts and imports by which lists of credits are filtered.

The new tables stay empty in a ledger whose log has no facts, imports or aliases. Otherwise the projections
are rebuilt, which fills them.
"""

from alembic import op
from sqlalchemy import text

from migrations.runner import run_sql

revision = "0017"
down_revision = "0016"
MOVES_DERIVED = True

_HAS_ANY = text(
    "SELECT 1 FROM events WHERE type IN ('ALIASED', 'UNALIASED')"
    """ OR body LIKE '%"facts":%' OR body LIKE '%"import":%' LIMIT 1"""
)


def upgrade() -> None:
    run_sql(revision)
    if op.get_bind().scalar(_HAS_ANY) is not None:
        globals()["MOVES_DERIVED"] = False  # `env` reads it after the last migration
