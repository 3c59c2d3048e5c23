"""Account for users, tokens and sessions: salts of names, codes of rows, and entries of what is there."""

from alembic import op

from migrations.account_rows import enter_what_is_there
from migrations.runner import run_sql

revision = "0027"
down_revision = "0026"
# The projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
    enter_what_is_there(op.get_bind())
