"""The tables that are derived from the log, as SQLAlchemy models. `flask rebuild` refills them.

What credits were on each day is in ``standing_tables``, the nodes of the log's tree in
``transparency_tables``.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, Digest32, table_of
from webapp.ledger.storage.engine import Model

# The key of `totals`.
_GROUP: Final = ("registry_key", "vintage", "status")
# The facts by which lists are filtered.
FILTERED_FACTS: Final = ("project_id", "country", "project_type")


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


class ContestedClaim(Model):
    """Projection: a credit whose serial number one with another name of its registry holds.

    An alias of the registry united the two; the one recorded first has the row in `serial_claims`.
    """

    __tablename__ = "contested_claims"
    __table_args__ = (Index("ix_contested_claims_serial", "registry_key", "serial_key"),)

    credit: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    registry_key: Mapped[str] = mapped_column(STRING)
    serial_key: Mapped[str] = mapped_column(STRING)


class RegistryAlias(Model):
    """Projection: another name of a registry, in canonical form and as the entry states it."""

    __tablename__ = "registry_aliases"
    __table_args__ = ({"sqlite_with_rowid": False},)

    alias_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    registry_key: Mapped[str] = mapped_column(STRING)
    alias: Mapped[str] = mapped_column(STRING)


class PartyAlias(Model):
    """Projection: another name of a party, in canonical form and as the entry states it."""

    __tablename__ = "party_aliases"
    __table_args__ = ({"sqlite_with_rowid": False},)

    alias_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    party_key: Mapped[str] = mapped_column(STRING)
    alias: Mapped[str] = mapped_column(STRING)


class CreditFact(Model):
    """Projection: the facts of a credit by which lists are filtered, in canonical form.

    A lot has those of its root, as amended. A credit without any has no row.
    """

    __tablename__ = "credit_facts"
    __table_args__ = tuple(
        Index(
            f"ix_credit_facts_{name}",
            name,
            "created_position",
            sqlite_where=column(name).is_not(None),
            postgresql_where=column(name).is_not(None),
        )
        for name in FILTERED_FACTS
    )

    created_position: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    project_id: Mapped[str | None] = mapped_column(STRING)
    country: Mapped[str | None] = mapped_column(STRING)
    project_type: Mapped[str | None] = mapped_column(STRING)


class ImportCredit(Model):
    """Projection: a credit with an event that an import recorded, or that was split from such a credit."""

    __tablename__ = "import_credits"
    __table_args__ = ({"sqlite_with_rowid": False},)

    import_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    created_position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class FeedRun(Model):
    """Projection: a run of the feed whose events name one import, or one act on many credits.

    `credits` is the number of its events, `quantity_e4` the sum of the tonnes of the credit of each.
    """

    __tablename__ = "feed_runs"

    first_position: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    last_position: Mapped[int] = mapped_column(BigInteger)
    import_number: Mapped[int | None] = mapped_column(BigInteger)
    credits: Mapped[int] = mapped_column(BigInteger)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)


class EvidenceFile(Model):
    """Projection: a file that an event names as evidence, by its SHA-256 (``domain.evidence``)."""

    __tablename__ = "evidence_files"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sha256: Mapped[str] = mapped_column(Digest32, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


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
