"""The table of idempotency keys, as a SQLAlchemy model. It is working data, and no part of the log."""

from typing import Final

from sqlalchemy import BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import STRING, table_of
from webapp.ledger.storage.engine import Model


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


idempotency_keys: Final = table_of(IdempotencyKey)
