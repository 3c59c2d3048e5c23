"""The table of proposals about parties. It is working data: nothing in the log refers to it."""

from typing import Final

from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import STRING, WITHOUT_ROWID, table_of
from webapp.ledger.storage.engine import Model


class DismissedPair(Model):
    """Two names, in canonical form and in order, that a person said are two parties."""

    __tablename__ = "dismissed_pairs"
    __table_args__ = (WITHOUT_ROWID,)

    one_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    other_key: Mapped[str] = mapped_column(STRING, primary_key=True)
    actor: Mapped[str] = mapped_column(STRING)
    dismissed_at: Mapped[str] = mapped_column(STRING)


dismissed_pairs: Final = table_of(DismissedPair)
