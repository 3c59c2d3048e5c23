"""Keep the aliases of registries, and the facts and imports by which lists of credits are filtered.

The projections are rebuilt, which fills the new tables.
"""

from migrations.runner import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql(revision)
