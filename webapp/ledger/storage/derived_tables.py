"""Projections beside those of ``tables``: joined names, and what lists of credits are filtered by."""

from typing import Final

from sqlalchemy import BigInteger, Index, column
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, Digest32
from webapp.ledger.storage.engine import Model

# The facts by which lists are filtered.
FILTERED_FACTS: Final = ("project_id", "country", "project_type")


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
