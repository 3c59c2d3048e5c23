"""Run the migrations on the application's own engine, all that are due in one transaction.

The schema is written as plain SQL, `sql/REVISION_sqlite.sql` and `sql/REVISION_postgresql.sql`,
which is frozen once it has been released: a change of the schema is another migration. Never use
Alembic's batch mode here: it rebuilds a SQLite table and drops its triggers without a word.
"""

from alembic import context
from flask import current_app

from webapp.ledger import archive
from webapp.ledger.storage.engine import Base, write_lock

# Two servers that start at once must not both migrate. Any number that nothing else here uses.
MIGRATION_LOCK = 0x6D696772


def run() -> None:
    """Migrate as a writer, so that a second one waits and then finds nothing left to do."""
    engine = current_app.extensions["migrate"].db.engine
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
    """Say whether a migration since this revision changed the schema of derived tables only.

    Then what is derived is made again by the code as it is now, so that no old migration has to know
    how. A migration that moves what is derived, too, says so with `MOVES_DERIVED`.
    """
    steps = context.script.iterate_revisions("head", before)
    return not all(getattr(step.module, "MOVES_DERIVED", False) for step in steps)


run()
