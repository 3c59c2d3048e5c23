"""The tables, as Flask-SQLAlchemy models, with their constraints.

Four kinds. The log (credits, events, splits, feed) is only ever appended to, and so is log_marks,
which says what holds of it. What is derived from the log is dropped and made again by `flask
rebuild`. Imports and idempotency keys are working data.

Inside, a credit is an integer key and a hash is its 32 bytes; the texts of ids and hashes are made
at the edge (``Digest32``). Keys are given in the order in which credits are recorded and mean
nothing else: they are neither positions nor part of any event.

The triggers that guard the log on both databases are in ``webapp.ledger.storage.triggers_*``. The migrations
create all of it; a test compares them with this.
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER
from webapp.ledger.storage.columns import ROW_ID, SEARCH_TEXT_SQL, STRING, ComputedText, Digest32
from webapp.ledger.storage.engine import Base, db

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

# Pairs of (last event, next event), from the lifecycle's own table.
ALLOWED_TRANSITIONS: Final = ", ".join(
    f"('{last}', '{action}')" for last, status in STATUS_AFTER.items() for action in ALLOWED_ACTIONS[status]
)

# The log of the ledger, and that of accounts.
APPEND_ONLY: Final = ("credits", "events", "splits", "feed", "log_marks", "account_log")
# What `totals` counts by.
_GROUP: Final = ("registry_key", "vintage", "status")

# A table without row ids has no hidden key by which INSERT OR REPLACE could reach a row.
WITHOUT_ROWID: Final = {"sqlite_with_rowid": False}


class Credit(Model):
    """One immutable batch of credits, as recorded. Written by the trigger of its CREATED event.

    `parent` and `replaces` are keys of other credits.
    """

    __tablename__ = "credits"
    __table_args__ = (
        CheckConstraint("vintage BETWEEN 1990 AND 2100", "vintage"),
        CheckConstraint("quantity_e4 BETWEEN 1 AND 1000000000000", "quantity"),
        CheckConstraint("length(id) = 32", "id"),
        CheckConstraint("key > 0", "key"),
        Index(
            "uq_credits_place",
            "parent",
            "offset_e4",
            unique=True,
            sqlite_where=column("parent").is_not(None),
            postgresql_where=column("parent").is_not(None),
        ),
        # A cancelled credit is replaced once: what comes next replaces the replacement.
        Index(
            "uq_credits_replaces",
            "replaces",
            unique=True,
            sqlite_where=column("replaces").is_not(None),
            postgresql_where=column("replaces").is_not(None),
        ),
    )

    key: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(Digest32, unique=True)
    project_name: Mapped[str] = mapped_column(STRING)
    registry_name: Mapped[str] = mapped_column("registry", STRING)
    vintage: Mapped[int] = mapped_column(Integer)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)
    serial_number: Mapped[str | None] = mapped_column(STRING)
    parent: Mapped[int | None] = mapped_column(BigInteger)
    offset_e4: Mapped[int | None] = mapped_column(BigInteger)
    replaces: Mapped[int | None] = mapped_column(BigInteger)


class Event(Model):
    """One fact. `body` is the canonical text that is hashed.

    `subject` is the key of the credit that the event is about. Nothing here says that a subject is a
    credit but the guard of the event types there are, so that the log can take entries about others.
    """

    __tablename__ = "events"
    __table_args__ = (
        # A credit is retired once. This index is the promise of the whole program: whatever
        # code runs and whatever client connects, the second retirement of a credit is refused.
        Index(
            "uq_events_retired_once",
            "subject",
            unique=True,
            sqlite_where=column("type") == "RETIRED",
            postgresql_where=column("type") == "RETIRED",
        ),
        CheckConstraint("length(hash) = 32", "hash"),
        WITHOUT_ROWID,
    )

    subject: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(STRING)
    hash: Mapped[str] = mapped_column(Digest32)
    body: Mapped[str] = mapped_column(STRING)


class Split(Model):
    """A split as one sealed piece: its event and all events of its lots, with their hashes.

    Events of a split are only ever inserted by the trigger of this row, which gives the lots the
    next keys and refuses lots that do not partition their parent. So there is never a moment, and
    never a client, in which a lot is there without the others. `envelope` is a JSON array of
    `{"hash", "body"}` in feed order.
    """

    __tablename__ = "splits"

    subject: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    envelope: Mapped[str] = mapped_column(STRING)


class FeedEntry(Model):
    """The one order of all events: positions 1, 2, 3 … without gaps. Part of the log."""

    __tablename__ = "feed"
    __table_args__ = (
        UniqueConstraint("subject", "seq"),
        ForeignKeyConstraint(["subject", "seq"], ["events.subject", "events.seq"]),
        Index("ix_feed_type_position", "type", "position"),
    )

    position: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    subject: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(STRING)


class LogMark(Model):
    """From which position on something holds of the feed, for ever. Part of the log, append-only.

    `in_order_of_time`: `recorded_at` never runs backwards from this position on.
    """

    __tablename__ = "log_marks"
    __table_args__ = (WITHOUT_ROWID,)

    name: Mapped[str] = mapped_column(STRING, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class SerialClaim(Model):
    """Which credit holds a serial number in a registry, both in canonical form. Derived."""

    __tablename__ = "serial_claims"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    serial_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    credit: Mapped[int] = mapped_column(BigInteger, unique=True)


class SerialBlock(Model):
    """Which numbers of a series a credit names, and whether it still holds them. Derived.

    No number of a series is held twice: on PostgreSQL by the exclusion constraint, on SQLite by the
    triggers of ``triggers_*``. `is_held` is 1 or 0; a credit that gave its numbers up is still found by
    them. `size_class` is the number of binary digits of `last - first`: with it, an index finds the
    blocks that hold a number (see ``search.conditions``).
    """

    __tablename__ = "serial_blocks"
    __table_args__ = (
        CheckConstraint("first <= last", "forwards"),
        CheckConstraint("is_held IN (0, 1)", "is_held"),
        ExcludeConstraint(
            ("series", "="),
            (func.int8range(column("first"), column("last"), text("'[]'")), "&&"),
            name="ex_serial_blocks_once",
            where=column("is_held") == 1,
        ).ddl_if(dialect="postgresql"),
        Index(
            "ix_serial_blocks_series",
            "series",
            "first",
            sqlite_where=column("is_held") == 1,
            postgresql_where=column("is_held") == 1,
        ),
        Index("ix_serial_blocks_numbers", "size_class", "first"),
    )

    credit: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    series: Mapped[str] = mapped_column(STRING)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    size_class: Mapped[int] = mapped_column(SmallInteger)
    is_held: Mapped[int] = mapped_column(SmallInteger)


class CreditState(Model):
    """What a credit is now, with all that lists filter and sort by; its texts stand in credits. Derived.

    `created_position` is the feed position of its CREATED event: the newest has the highest.
    `search_text` is computed by the database from the canonical texts (see ``columns``).
    """

    __tablename__ = "credit_states"
    __table_args__ = (
        # A list is a merge of runs, each in the order of one of these (``search.index_merge``): of all
        # credits of a status, or of one status, registry and vintage; by age, by project or by quantity.
        Index("ix_credit_states_status", "status", "created_position"),
        Index("ix_credit_states_status_project", "status", "project_key", "created_position"),
        Index("ix_credit_states_status_quantity", "status", "quantity_e4", "created_position"),
        Index("ix_credit_states_group", *_GROUP, "created_position"),
        Index("ix_credit_states_group_project", *_GROUP, "project_key", "created_position"),
        Index("ix_credit_states_group_quantity", *_GROUP, "quantity_e4", "created_position"),
        Index(
            "ix_credit_states_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
    )

    created_position: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    credit: Mapped[int] = mapped_column(BigInteger, unique=True)
    status: Mapped[str] = mapped_column(STRING)
    vintage: Mapped[int] = mapped_column(Integer)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)
    project_key: Mapped[str] = mapped_column(STRING)
    registry_key: Mapped[str] = mapped_column(STRING)
    serial_key: Mapped[str | None] = mapped_column(STRING)
    search_text: Mapped[str] = mapped_column(STRING, ComputedText(SEARCH_TEXT_SQL, persisted=True))
    created_at: Mapped[str] = mapped_column(STRING)
    changed_at: Mapped[str] = mapped_column(STRING)
    buyer: Mapped[str | None] = mapped_column(STRING)
    beneficiary: Mapped[str | None] = mapped_column(STRING)


class Registry(Model):
    """A registry under its canonical name, shown in its first spelling. Derived."""

    __tablename__ = "registries"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)


class Total(Model):
    """Number of credits and ten-thousandths of tonnes by registry, vintage and status. Derived."""

    __tablename__ = "totals"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    vintage: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(STRING, primary_key=True)
    credits: Mapped[int] = mapped_column(BigInteger)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)


class Party(Model):
    """A buyer or beneficiary named before, to be suggested again. Derived.

    `role` is the event type that named it; the name shown is its first spelling.
    """

    __tablename__ = "parties"
    __table_args__ = (Index("ix_parties_recent", "role", "last_position"), WITHOUT_ROWID)

    role: Mapped[str] = mapped_column(STRING, primary_key=True)
    name_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)
    last_position: Mapped[int] = mapped_column(BigInteger)


class Import(Model):
    """A file on its way into the ledger: who brought it, when, and what became of it.

    `content` is the file as uploaded, kept until it is written or cancelled.
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


class IdempotencyKey(Model):
    """What came of a writing request that carried a key. See ``idempotency_store``.

    `kind` is the kind of act, `status` the HTTP status of its answer, `ids` a JSON array of what it
    made, and `position` the last position of the feed after it: a repeat shows the records as they
    were then.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_made_at", "made_at"),)

    actor: Mapped[str] = mapped_column(STRING, primary_key=True)
    key: Mapped[str] = mapped_column(STRING, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(STRING)
    made_at: Mapped[str] = mapped_column(STRING)
    kind: Mapped[str] = mapped_column(STRING)
    status: Mapped[int] = mapped_column(Integer)
    ids: Mapped[str] = mapped_column(STRING)
    position: Mapped[int] = mapped_column(BigInteger)


class ImportProblem(Model):
    """One thing wrong with one row of an import, rows counted from 1.

    `first` and `last` are the block that the row states, where `holder` has numbers of it.
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


def table_of(model: type[Base]) -> Table:
    """Return the Core table of a model: the hot paths speak Core."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return table


credits: Final = table_of(Credit)
events: Final = table_of(Event)
splits: Final = table_of(Split)
feed: Final = table_of(FeedEntry)
log_marks: Final = table_of(LogMark)
serial_claims: Final = table_of(SerialClaim)
serial_blocks: Final = table_of(SerialBlock)
credit_states: Final = table_of(CreditState)
registries: Final = table_of(Registry)
totals: Final = table_of(Total)
parties: Final = table_of(Party)
imports: Final = table_of(Import)
import_problems: Final = table_of(ImportProblem)
idempotency_keys: Final = table_of(IdempotencyKey)

LOG: Final = (credits, events, splits, feed, log_marks)
DERIVED: Final = (serial_claims, serial_blocks, credit_states, registries, totals, parties)
