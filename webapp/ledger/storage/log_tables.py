"""The tables of the log as SQLAlchemy models: append-only, and the source of everything derived.

Tables refer to credits by integer keys and store hashes as 32 bytes; ``Digest32`` converts to and from
hexadecimal text. Keys are given in the order of recording, and are no part of any event.

The triggers are in ``triggers_*``, the projections in ``projection_tables``. The migrations create the
schema; a test compares the result with these models.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    column,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, Digest32, table_of
from webapp.ledger.storage.engine import Model


class Credit(Model):
    """One immutable batch of credits, as recorded. Inserted by the trigger of its CREATED event.

    `parent` and `replaces` are keys of credits.
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
    """One event. `body` is the canonical text that is hashed.

    `subject` is the key of the credit, or that of a row of `subjects`. The triggers check it.
    """

    __tablename__ = "events"
    __table_args__ = (
        # The database's guard against a double retirement, behind the program's check
        # (``domain.lifecycle.require_allowed``): primary key, this unique index, and a trigger.
        Index(
            "uq_events_retired_once",
            "subject",
            unique=True,
            sqlite_where=column("type") == "RETIRED",
            postgresql_where=column("type") == "RETIRED",
        ),
        Index(
            "uq_events_withdrawn_once",
            "subject",
            unique=True,
            sqlite_where=column("type") == "WITHDRAWN",
            postgresql_where=column("type") == "WITHDRAWN",
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
    """A split: the SPLIT event and all events of its lots in one row.

    The trigger of this table inserts these events, gives keys to the lots, and refuses lots that do not
    partition their parent. So no client can record some of the lots only. `envelope` is a JSON array of
    `{"hash", "body"}` in feed order.
    """

    __tablename__ = "splits"

    subject: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    envelope: Mapped[str] = mapped_column(STRING)


class Subject(Model):
    """What entries are about, such as `import/12`. Inserted by the trigger of its first entry.

    `key` is negative, where the keys of credits are positive.
    """

    __tablename__ = "subjects"
    __table_args__ = (CheckConstraint("key < 0", "key"), WITHOUT_ROWID)

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(STRING, unique=True)


class FeedPosition(Model):
    """The order of all events: positions 1, 2, 3, … without gaps. Part of the log."""

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
    """A property that the feed has from a position on. Part of the log, append-only.

    `in_order_of_time`: from this position on, `recorded_at` never decreases.
    """

    __tablename__ = "log_marks"
    __table_args__ = (WITHOUT_ROWID,)

    name: Mapped[str] = mapped_column(STRING, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


credits: Final = table_of(Credit)
events: Final = table_of(Event)
splits: Final = table_of(Split)
subjects: Final = table_of(Subject)
feed: Final = table_of(FeedPosition)
log_marks: Final = table_of(LogMark)

LOG: Final = (credits, events, splits, subjects, feed, log_marks)
