"""The tables of imports as SQLAlchemy models. Imports are working data: nothing in the log refers to them."""

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, Digest32, table_of
from webapp.ledger.storage.engine import Model


class Import(Model):
    """An uploaded file, its actor, its state and the counts of its rows.

    `content` is the file as uploaded. It is deleted when the import is written or cancelled. `options` are
    what a person chose (``imports.options``) and `summary` the counts and tonnes of the plan
    (``imports.staging``), as JSON; imports of older versions have none.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    state: Mapped[str] = mapped_column(STRING)
    actor: Mapped[str] = mapped_column(STRING)
    filename: Mapped[str] = mapped_column(STRING)
    sha256: Mapped[str] = mapped_column(STRING)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    uploaded_at: Mapped[str] = mapped_column(STRING)
    finished_at: Mapped[str | None] = mapped_column(STRING)
    message: Mapped[str | None] = mapped_column(STRING)
    not_recorded: Mapped[str] = mapped_column(STRING)
    total: Mapped[int] = mapped_column(Integer)
    new: Mapped[int] = mapped_column(Integer)
    existing: Mapped[int] = mapped_column(Integer)
    conflicting: Mapped[int] = mapped_column(Integer)
    invalid: Mapped[int] = mapped_column(Integer)
    written: Mapped[int] = mapped_column(Integer)
    options: Mapped[str | None] = mapped_column(STRING)
    summary: Mapped[str | None] = mapped_column(STRING)


class ImportProblem(Model):
    """A problem of one row of an import. Rows count from 1.

    `first` and `last` are the row's block if the credit `holder` has some of its numbers.
    """

    __tablename__ = "import_problems"

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(Integer)
    field: Mapped[str] = mapped_column(STRING)
    message: Mapped[str] = mapped_column(STRING)
    holder: Mapped[str | None] = mapped_column(Digest32)
    first: Mapped[int | None] = mapped_column(BigInteger)
    last: Mapped[int | None] = mapped_column(BigInteger)


class ImportRow(Model):
    """Some tonnes of a row of an import, and what the plan does with them.

    `row` is the row's number in the file, `kind` one of ``imports.plan.Kind`` or "difference", `cells` the
    row as the file has it, as JSON. What is plainly new or recorded already is deleted when the import is
    written; the rest stays.
    """

    __tablename__ = "import_rows"
    __table_args__ = (Index("ix_import_rows_kind", "import_id", "kind", "number"),)

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(STRING)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)
    credit: Mapped[str | None] = mapped_column(Digest32)
    detail: Mapped[str] = mapped_column(STRING)
    project_name: Mapped[str | None] = mapped_column(STRING)
    serial_number: Mapped[str | None] = mapped_column(STRING)
    cells: Mapped[str] = mapped_column(STRING)


class ImportJob(Model):
    """The background job of an import of a large file: its phase, its owner and its progress.

    `phase` is one of ``imports.background.job.Phase``. `owner` works on the job until `lease_until`; then
    another may take it over. As JSON, `settings` are what was decided (``job.Decision``), `source` how the
    file was read (``staged_rows.StagedSource``) and `facts` those of all rows (``grouping.FileFacts``).
    `rows_max` is the limit of its rows. `chunks_planned` and `chunks_recorded` are checkpoints. `rows_done`
    of `rows_all` are done in this phase, `rows_before` of them before it began at `began_at`.
    """

    __tablename__ = "import_jobs"

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    phase: Mapped[str] = mapped_column(STRING)
    owner: Mapped[str | None] = mapped_column(STRING)
    lease_until: Mapped[str | None] = mapped_column(STRING)
    settings: Mapped[str | None] = mapped_column(STRING)
    source: Mapped[str | None] = mapped_column(STRING)
    facts: Mapped[str | None] = mapped_column(STRING)
    rows_max: Mapped[int] = mapped_column(Integer)
    chunks: Mapped[int] = mapped_column(Integer)
    chunks_planned: Mapped[int] = mapped_column(Integer)
    chunks_recorded: Mapped[int] = mapped_column(Integer)
    rows_all: Mapped[int] = mapped_column(Integer)
    rows_done: Mapped[int] = mapped_column(Integer)
    rows_before: Mapped[int] = mapped_column(Integer)
    began_at: Mapped[str] = mapped_column(STRING)


class ImportFilePart(Model):
    """A part of the file of a job, compressed. Parts count from 0."""

    __tablename__ = "import_file_parts"

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportSourceRow(Model):
    """A row of the file of a job, as JSON of its cells. `number` counts from 0, `row` is that of the file.

    `parsed` is what the row means as JSON (``background.parsed_rows``), None until the rows are grouped.

    No foreign key, which would be checked a million times; imports are never deleted.
    """

    __tablename__ = "import_source_rows"
    __table_args__ = (WITHOUT_ROWID,)

    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(Integer)
    cells: Mapped[str] = mapped_column(STRING)
    parsed: Mapped[str | None] = mapped_column(STRING)


class ImportChunk(Model):
    """Rows of a job that are planned and recorded in one transaction. Chunks count from 0.

    `places` are the numbers of its rows of the file, four bytes each, and `plan` is the summary of its plan
    (``background.chunk_plan``) as JSON.
    """

    __tablename__ = "import_chunks"

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    places: Mapped[bytes] = mapped_column(LargeBinary)
    plan: Mapped[str | None] = mapped_column(STRING)


class SavedMapping(Model):
    """What a person said that the columns of a file mean, to be offered again for the same headers.

    `headers_key` is the fingerprint of the headers, `mapping` the JSON of ``imports.mapping``.
    """

    __tablename__ = "column_mappings"
    __table_args__ = (WITHOUT_ROWID,)

    headers_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    mapping: Mapped[str] = mapped_column(STRING)
    actor: Mapped[str] = mapped_column(STRING)
    saved_at: Mapped[str] = mapped_column(STRING)


imports: Final = table_of(Import)
import_problems: Final = table_of(ImportProblem)
import_rows: Final = table_of(ImportRow)
import_jobs: Final = table_of(ImportJob)
import_file_parts: Final = table_of(ImportFilePart)
import_source_rows: Final = table_of(ImportSourceRow)
import_chunks: Final = table_of(ImportChunk)
column_mappings: Final = table_of(SavedMapping)
