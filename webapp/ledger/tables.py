"""The tables, as Flask-SQLAlchemy models, with their constraints.

Three kinds: the log (credits, events, feed), which is only ever appended to; what is derived
from the log, which `flask rebuild` drops and makes again; and what is there for a while only: the
imports, a desk on which files lie before they become events, and the answers kept for a retry.
The triggers that guard the log on both databases are in ``webapp.ledger.guards``. The migrations
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
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from webapp.ledger.database import Base, db

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

# Both databases must sort alike, so PostgreSQL compares bytes as SQLite does.
STRING: Final[TypeEngine[str]] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# An integer primary key of SQLite is its row id, which only the type INTEGER makes it.
ROW_ID: Final[TypeEngine[int]] = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

# A table without row ids has no hidden key by which INSERT OR REPLACE could reach a row.
WITHOUT_ROWID: Final = {"sqlite_with_rowid": False}


class Credit(Model):
    """One immutable batch of credits, as recorded. Written by the trigger of its CREATED event."""

    __tablename__ = "credits"
    __table_args__ = (
        CheckConstraint("vintage BETWEEN 1990 AND 2100", "vintage"),
        CheckConstraint("quantity_e4 BETWEEN 1 AND 1000000000000", "quantity"),
        Index("uq_credits_place", "parent", "offset_e4", unique=True),
        # A cancelled credit is replaced once: what comes next replaces the replacement.
        Index("uq_credits_replaces", "replaces", unique=True),
        WITHOUT_ROWID,
    )

    id: Mapped[str] = mapped_column(STRING, primary_key=True)
    project_name: Mapped[str] = mapped_column(STRING)
    registry_name: Mapped[str] = mapped_column("registry", STRING)
    vintage: Mapped[int] = mapped_column(Integer)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)
    serial_number: Mapped[str | None] = mapped_column(STRING)
    parent: Mapped[str | None] = mapped_column(STRING)
    offset_e4: Mapped[int | None] = mapped_column(BigInteger)
    replaces: Mapped[str | None] = mapped_column(STRING)


class Event(Model):
    """One fact. `body` is the canonical text that is hashed; the other columns repeat it."""

    __tablename__ = "events"
    __table_args__ = (
        # A credit is retired once. This index is the promise of the whole program: whatever
        # code runs and whoever connects, the second retirement of a credit is refused.
        Index(
            "uq_events_retired_once",
            "credit_id",
            unique=True,
            sqlite_where=column("type") == "RETIRED",
            postgresql_where=column("type") == "RETIRED",
        ),
        # A check passes on NULL, hence CASE … ELSE.
        CheckConstraint(
            "CASE WHEN typeof(body) = 'text' AND typeof(hash) = 'text' AND json_valid(body) THEN"
            " json_type(body, '$.v') IS 'integer' AND json_type(body, '$.seq') IS 'integer'"
            " AND json_type(body, '$.actor') IS 'text'"
            " AND json_extract(body, '$.v') IS 1"
            " AND json_extract(body, '$.credit') IS credit_id"
            " AND json_extract(body, '$.seq') IS seq"
            " AND json_extract(body, '$.type') IS type"
            " AND json_extract(body, '$.actor') IS actor"
            " AND json_extract(body, '$.recorded_at') IS recorded_at"
            " AND json_extract(body, '$.prev_hash') IS prev_hash"
            " ELSE 0 END",
            "body_agrees",
        ).ddl_if(dialect="sqlite"),
        CheckConstraint(
            "CASE WHEN (body::json->'v')::text = '1'"
            " AND body::json->>'credit' = credit_id"
            " AND (body::json->'seq')::text = seq::text"
            " AND json_typeof(body::json->'actor') = 'string'"
            " AND body::json->>'type' = type"
            " AND body::json->>'actor' = actor"
            " AND body::json->>'recorded_at' = recorded_at"
            " AND body::json->>'prev_hash' = prev_hash"
            " THEN true ELSE false END",
            "body_agrees",
        ).ddl_if(dialect="postgresql"),
        CheckConstraint("CASE WHEN length(hash) = 64 THEN 1 ELSE 0 END = 1", "hash"),
        WITHOUT_ROWID,
    )

    credit_id: Mapped[str] = mapped_column(
        STRING,
        # Deferred, because the trigger of the event makes the credit.
        ForeignKey("credits.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    )
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    type: Mapped[str] = mapped_column(STRING)
    actor: Mapped[str] = mapped_column(STRING)
    recorded_at: Mapped[str] = mapped_column(STRING)
    prev_hash: Mapped[str] = mapped_column(STRING)
    hash: Mapped[str] = mapped_column(STRING)
    body: Mapped[str] = mapped_column(STRING)


class Split(Model):
    """A split as one sealed piece: its event and all events of its lots, with their hashes.

    Events of a split are only ever inserted by the trigger of this row, which refuses lots that
    do not partition their parent. So there is never a moment, and never a client, in which a lot
    is there without the others. `envelope` is a JSON array of `{"hash", "body"}` in feed order.
    """

    __tablename__ = "splits"
    __table_args__ = (WITHOUT_ROWID,)

    credit_id: Mapped[str] = mapped_column(STRING, primary_key=True)
    envelope: Mapped[str] = mapped_column(STRING)


class FeedEntry(Model):
    """The one order of all events: positions 1, 2, 3 … without gaps. Part of the log."""

    __tablename__ = "feed"
    __table_args__ = (
        UniqueConstraint("credit_id", "seq"),
        ForeignKeyConstraint(["credit_id", "seq"], ["events.credit_id", "events.seq"]),
        Index("ix_feed_type_position", "type", "position"),
        WITHOUT_ROWID,
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    credit_id: Mapped[str] = mapped_column(STRING)
    seq: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(STRING)


class SerialClaim(Model):
    """Which credit holds a serial number in a registry, both in canonical form. Derived."""

    __tablename__ = "serial_claims"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    serial_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    credit_id: Mapped[str] = mapped_column(STRING, unique=True)


class SerialBlock(Model):
    """Which credit holds which numbers of a series: no number of a series is held twice. Derived.

    On PostgreSQL the exclusion constraint says so, on SQLite the triggers of ``guards``.
    """

    __tablename__ = "serial_blocks"
    __table_args__ = (
        CheckConstraint("first <= last", "forwards"),
        ExcludeConstraint(
            ("series", "="),
            (func.int8range(column("first"), column("last"), text("'[]'")), "&&"),
            name="ex_serial_blocks_once",
        ).ddl_if(dialect="postgresql"),
        Index("ix_serial_blocks_series", "series", "first"),
        Index("ix_serial_blocks_numbers", "first", "last", "credit_id"),
        WITHOUT_ROWID,
    )

    credit_id: Mapped[str] = mapped_column(STRING, primary_key=True)
    series: Mapped[str] = mapped_column(STRING)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)


class CreditState(Model):
    """What a credit is now, in one row with all that lists show, filter and sort by. Derived.

    `created_position` is the feed position of its CREATED event: the newest has the highest.
    """

    __tablename__ = "credit_states"
    __table_args__ = (
        Index("ix_credit_states_registry", "registry_key", "created_position"),
        Index("ix_credit_states_vintage", "vintage", "created_position"),
        Index("ix_credit_states_status", "status", "created_position"),
        Index("ix_credit_states_project", "project_key", "created_position"),
        Index("ix_credit_states_quantity", "quantity_e4", "created_position"),
        Index(
            "ix_credit_states_search",
            "search_key",
            postgresql_using="gin",
            postgresql_ops={"search_key": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
    )

    created_position: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    credit_id: Mapped[str] = mapped_column(STRING, unique=True)
    status: Mapped[str] = mapped_column(STRING)
    project_name: Mapped[str] = mapped_column(STRING)
    registry_name: Mapped[str] = mapped_column("registry", STRING)
    vintage: Mapped[int] = mapped_column(Integer)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)
    serial_number: Mapped[str | None] = mapped_column(STRING)
    project_key: Mapped[str] = mapped_column(STRING)
    registry_key: Mapped[str] = mapped_column(STRING)
    search_key: Mapped[str] = mapped_column(STRING)
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
    """The answer to a writing request that carried a key, kept to be given again. See ``keys``.

    The row is there from the first moment of its request's transaction, so that a twin of the
    request waits for it; `status` (an HTTP status), `headers` (JSON) and `body` are there at its end.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_made_at", "made_at"),)

    actor: Mapped[str] = mapped_column(STRING, primary_key=True)
    key: Mapped[str] = mapped_column(STRING, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(STRING)
    made_at: Mapped[str] = mapped_column(STRING)
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[str | None] = mapped_column(STRING)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


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
    holder: Mapped[str | None] = mapped_column(STRING)
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
serial_claims: Final = table_of(SerialClaim)
serial_blocks: Final = table_of(SerialBlock)
credit_states: Final = table_of(CreditState)
registries: Final = table_of(Registry)
totals: Final = table_of(Total)
parties: Final = table_of(Party)
imports: Final = table_of(Import)
import_problems: Final = table_of(ImportProblem)
idempotency_keys: Final = table_of(IdempotencyKey)

LOG: Final = (credits, events, splits, feed)
DERIVED: Final = (serial_claims, serial_blocks, credit_states, registries, totals, parties)
