"""The table of checks of the whole ledger, as a SQLAlchemy model. Checks are working data."""

from typing import Final

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, Digest32, table_of
from webapp.ledger.storage.engine import Model


class IntegrityCheck(Model):
    """A check of the whole ledger: who asked for it, its progress, and its result.

    `owner` works on it until `lease_until`; then another process begins it again (`attempts`). `events_done`
    of `events_all` are checked. It is over at `finished_at`: then `events` and `digest` are those of the log
    that was checked, and `findings` is the number of findings, of which `shown` has some as JSON. `failure`
    says why it could not be completed.
    """

    __tablename__ = "integrity_checks"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    actor: Mapped[str] = mapped_column(STRING)
    asked_at: Mapped[str] = mapped_column(STRING)
    began_at: Mapped[str | None] = mapped_column(STRING)
    finished_at: Mapped[str | None] = mapped_column(STRING)
    owner: Mapped[str | None] = mapped_column(STRING)
    lease_until: Mapped[str | None] = mapped_column(STRING)
    attempts: Mapped[int] = mapped_column(Integer)
    events_all: Mapped[int] = mapped_column(BigInteger)
    events_done: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[str | None] = mapped_column(Digest32)
    findings: Mapped[int] = mapped_column(Integer)
    shown: Mapped[str] = mapped_column(STRING)
    failure: Mapped[str | None] = mapped_column(STRING)


integrity_checks: Final = table_of(IntegrityCheck)
