"""Projections of what credits were on each day, as recorded up to each position. See ``domain.standing``.

They follow the log at a short distance (``projections.standings``): `standing_head` says how far.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, table_of
from webapp.ledger.storage.engine import Model

# The number of positions in an epoch, by which movements are added up.
EPOCH: Final = 65_536


class StandingCell(Model):
    """Projection: what tonnes are added up by, with a number (``domain.standing.Cell``), and their sums.

    `credits` and `quantity_e4` are what is in the cell after all days, `entered` what ever entered it.
    """

    __tablename__ = "standing_cells"
    __table_args__ = (
        UniqueConstraint(
            *("registry_key", "project_key", "project_id", "vintage", "type", "party_key", "is_dated"),
            name="uq_standing_cells_key",
        ),
        Index(
            "ix_standing_cells_project_id",
            "project_id",
            sqlite_where=column("project_id") != "",
            postgresql_where=column("project_id") != "",
        ),
        Index("ix_standing_cells_project", "project_key"),
        Index(
            "ix_standing_cells_party",
            "party_key",
            sqlite_where=column("party_key") != "",
            postgresql_where=column("party_key") != "",
        ),
    )

    cell: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    registry_key: Mapped[str] = mapped_column(STRING)
    project_key: Mapped[str] = mapped_column(STRING)
    project_id: Mapped[str] = mapped_column(STRING)
    vintage: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(STRING)
    party_key: Mapped[str] = mapped_column(STRING)
    is_dated: Mapped[int] = mapped_column(SmallInteger)
    credits: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    quantity_e4: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    entered: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    entered_e4: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class Standing(Model):
    """Projection: a credit in a cell from one day until before another.

    `step` numbers the counting events of a credit. The row is known from one position until before
    another; a missing end is open. Days are ordinals.
    """

    __tablename__ = "standings"
    __table_args__ = (
        Index("ix_standings_credit", "credit", "step"),
        Index("ix_standings_cell", "cell", "first_day"),
        Index(
            "ix_standings_known_to",
            "known_to",
            sqlite_where=column("known_to").is_not(None),
            postgresql_where=column("known_to").is_not(None),
        ),
        WITHOUT_ROWID,
    )

    known_from: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    credit: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    known_to: Mapped[int | None] = mapped_column(BigInteger)
    cell: Mapped[int] = mapped_column(BigInteger)
    first_day: Mapped[int] = mapped_column(Integer)
    last_day: Mapped[int | None] = mapped_column(Integer)
    quantity_e4: Mapped[int] = mapped_column(BigInteger)


class DaySum(Model):
    """Projection: what entered a cell and went from it on a day, as recorded in an epoch of EPOCH positions.

    Quantities are ten-thousandths of a tonne. What an epoch takes back of an earlier one is negative.
    """

    __tablename__ = "day_sums"
    __table_args__ = (WITHOUT_ROWID,)

    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entered: Mapped[int] = mapped_column(BigInteger)
    entered_e4: Mapped[int] = mapped_column(BigInteger)
    went: Mapped[int] = mapped_column(BigInteger)
    went_e4: Mapped[int] = mapped_column(BigInteger)


class StandingHead(Model):
    """The last position that these projections include, and the time zone in which their days end."""

    __tablename__ = "standing_head"
    __table_args__ = (CheckConstraint("id = 1", "one"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    time_zone: Mapped[str] = mapped_column(STRING)


standing_cells: Final = table_of(StandingCell)
standings: Final = table_of(Standing)
day_sums: Final = table_of(DaySum)
standing_head: Final = table_of(StandingHead)

# In the order in which they are emptied.
FOLLOWING: Final = (standings, day_sums, standing_cells, standing_head)
