"""Keep the nodes of the log's Merkle tree, the keys that sign checkpoints, and what was signed."""

from alembic import op

from migrations.runner import run_sql
from webapp.ledger.projections.log_nodes import add_nodes
from webapp.ledger.storage import statements
from webapp.ledger.storage.transparency_tables import Tree

revision = "0026"
down_revision = "0025"
# The nodes are filled here; the other projections stay as they are.
MOVES_DERIVED = True


def upgrade() -> None:
    run_sql(revision)
    ((size,),) = statements.fetch(op.get_bind(), statements.LAST_POSITION)
    add_nodes(op.get_bind(), Tree.EVENTS, size)
