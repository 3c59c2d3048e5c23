"""Alembic environment: run all pending migrations on the application's engine, in one transaction.

The migrations are plain SQL in `sql/REVISION_sqlite.sql` and `sql/REVISION_postgresql.sql`. These files
are frozen after a release; a schema change needs a new migration. Do not use Alembic's batch mode: it
rebuilds SQLite tables and silently drops their triggers.
"""

import click
from alembic import context
from flask import current_app

from webapp.ledger import archive
from webapp.ledger.storage.engine import Base
from webapp.ledger.storage.other_tables import refusal_of, tables_of_another_program
from webapp.ledger.storage.write_lock import write_lock

# The id of the advisory lock that keeps two servers from migrating at the same time. Not used elsewhere.
MIGRATION_LOCK = 0x6D696772


def run() -> None:
    """Migrate under the write lock. A second process waits, and then finds nothing to do."""
    engine = current_app.extensions["migrate"].db.engine
    if tables := tables_of_another_program(engine):
        raise click.ClickException(refusal_of(engine, tables))
    with engine.connect() as connection, write_lock(engine):
        connection.execution_options(ledger_write=True)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
        before = context.get_context().get_current_revision()
        with context.begin_transaction():
            context.run_migrations()
        if before is not None and _left_derived_behind(before):
            archive.rebuild_on(connection)
        connection.commit()


def _left_derived_behind(before: str) -> bool:
    """Return whether a migration since this revision did not migrate the contents of the projections.

    Then the current code rebuilds the projections, so that old migrations need no code for it. A
    migration that does migrate them sets `MOVES_DERIVED`.
    """
    steps = context.script.iterate_revisions("head", before)
    return not all(getattr(step.module, "MOVES_DERIVED", False) for step in steps)


run()
