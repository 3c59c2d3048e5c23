"""The tables of the ledger as SQLAlchemy models, with their constraints.

There are three kinds. The log (`LOG` below) is append-only. Projections are derived from the log, and
refilled by `flask rebuild`. Idempotency keys are working data, like imports (``import_tables``) and
proposals (``party_tables``). The tables of users are in accounts.

Tables refer to credits by integer keys and store hashes as 32 bytes; ``Digest32`` converts to and from
hexadecimal text. Keys are given in the order of recording, and are no part of any event.

Some projections are in ``derived_tables``, the triggers in ``triggers_*``. The migrations create the schema;
a test compares the result with these models.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, Digest32
from webapp.ledger.storage.derived_tables import (
    ContestedClaim,
    CreditFact,
    EvidenceFile,
    FeedRun,
    ImportCredit,
    PartyAlias,
    RegistryAlias,
)
from webapp.ledger.storage.engine import Base, Model

# The key of `totals`.
_GROUP: Final = ("registry_key", "vintage", "status")

# Without a rowid, there is no hidden key through which INSERT OR REPLACE could replace a row.
WITHOUT_ROWID: Final = {"sqlite_with_rowid": False}


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


class FeedEntry(Model):
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


class SerialClaim(Model):
    """Projection: the credit that holds a serial number in a registry (``Credit.serial_claim``).

    `registry_key` is the name of the registry that is no alias; a trigger ensures that.
    """

    __tablename__ = "serial_claims"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    serial_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    credit: Mapped[int] = mapped_column(BigInteger, unique=True)


class SerialBlock(Model):
    """Projection: the numbers of a series in a credit's serial number, and whether it holds them.

    No number of a series is held twice: an exclusion constraint (PostgreSQL) or triggers (SQLite) enforce
    it. `is_held` is 1 or 0: a credit that released its numbers can still be searched by them. `size_class` is
    the bit length of `last - first`, for an index of the blocks with a number (``search.conditions_sql``).
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
    """Projection: the current state of a credit, with the columns that lists filter and sort by.

    `created_position` is the feed position of its CREATED event, so newer credits have higher ones. See
    ``search_text``, and for `party_key` and `happened_on` ``projections.standing_acts``.
    """

    __tablename__ = "credit_states"
    __table_args__ = (
        # Lists merge index scans (``search.index_merge``): of a status, or a status, registry and vintage.
        Index("ix_credit_states_status", "status", "created_position"),
        Index("ix_credit_states_status_project", "status", "project_key", "created_position"),
        Index("ix_credit_states_status_quantity", "status", "quantity_e4", "created_position"),
        Index("ix_credit_states_group", *_GROUP, "created_position"),
        Index("ix_credit_states_group_project", *_GROUP, "project_key", "created_position"),
        Index("ix_credit_states_group_quantity", *_GROUP, "quantity_e4", "created_position"),
        # For plans of imports.
        Index(
            "ix_credit_states_unnumbered",
            "project_key",
            "registry_key",
            sqlite_where=column("serial_key").is_(None),
            postgresql_where=column("serial_key").is_(None),
        ),
        # Filters of sold, retired and withdrawn credits, with what facets and sums add up.
        *(
            Index(
                f"ix_credit_states_{name}",
                name,
                "created_position",
                *_GROUP,
                "quantity_e4",
                *more,
                sqlite_where=column(name).is_not(None),
                postgresql_where=column(name).is_not(None),
            )
            for name, more in (("party_key", ()), ("happened_on", ("party_key",)))
        ),
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
    search_text: Mapped[str] = mapped_column(STRING)
    created_at: Mapped[str] = mapped_column(STRING)
    changed_at: Mapped[str] = mapped_column(STRING)
    buyer: Mapped[str | None] = mapped_column(STRING)
    beneficiary: Mapped[str | None] = mapped_column(STRING)
    party_key: Mapped[str | None] = mapped_column(STRING)
    happened_on: Mapped[str | None] = mapped_column(STRING)


class Registry(Model):
    """Projection: a registry by its canonical name, with the first spelling as its display name."""

    __tablename__ = "registries"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)


class Total(Model):
    """Projection: credits and ten-thousandths of a tonne by registry, vintage and status."""

    __tablename__ = "totals"
    __table_args__ = (WITHOUT_ROWID,)

    registry_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    vintage: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(STRING, primary_key=True)
    credits: Mapped[int] = mapped_column(BigInteger)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)


class Party(Model):
    """Projection: a buyer or beneficiary named in an event, for suggestions in forms.

    `role` is the event type, SOLD or RETIRED. `name` is the first spelling.
    """

    __tablename__ = "parties"
    __table_args__ = (Index("ix_parties_recent", "role", "last_position"), WITHOUT_ROWID)

    role: Mapped[str] = mapped_column(STRING, primary_key=True)
    name_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)
    last_position: Mapped[int] = mapped_column(BigInteger)


class IdempotencyKey(Model):
    """The result of a request with an idempotency key. See ``idempotency_store``.

    `kind` names the action, `status` is the HTTP status of the response, `ids` a JSON array of the ids
    of what it created or changed, and `position` the last feed position after it.
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


def table_of(model: type[Base]) -> Table:
    """Return the SQLAlchemy Core table of a model."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return table


credits: Final = table_of(Credit)
events: Final = table_of(Event)
splits: Final = table_of(Split)
subjects: Final = table_of(Subject)
feed: Final = table_of(FeedEntry)
log_marks: Final = table_of(LogMark)
serial_claims: Final = table_of(SerialClaim)
contested_claims: Final = table_of(ContestedClaim)
serial_blocks: Final = table_of(SerialBlock)
credit_states: Final = table_of(CreditState)
registries: Final = table_of(Registry)
registry_aliases: Final = table_of(RegistryAlias)
party_aliases: Final = table_of(PartyAlias)
credit_facts: Final = table_of(CreditFact)
import_credits: Final = table_of(ImportCredit)
feed_runs: Final = table_of(FeedRun)
evidence_files: Final = table_of(EvidenceFile)
totals: Final = table_of(Total)
parties: Final = table_of(Party)
idempotency_keys: Final = table_of(IdempotencyKey)

LOG: Final = (credits, events, splits, subjects, feed, log_marks)
DERIVED: Final = (
    serial_claims,
    contested_claims,
    serial_blocks,
    credit_states,
    registries,
    registry_aliases,
    party_aliases,
    credit_facts,
    import_credits,
    feed_runs,
    evidence_files,
    totals,
    parties,
)
