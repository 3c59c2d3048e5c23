"""The tables of the log's Merkle trees as SQLAlchemy models: nodes, keys, checkpoints and cosignatures.

Nodes are derived from the log. The others are append-only, and follow the database: an export has none.
"""

from enum import IntEnum
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, table_of
from webapp.ledger.storage.engine import Model


class Tree(IntEnum):
    """The trees: that of the events in the order of the feed, and that of the log of accounts."""

    EVENTS = 0
    ACCOUNTS = 1


class LogNode(Model):
    """The root of a full tile of a tree: of 256 leaves (level 8), or of 256 nodes eight levels below."""

    __tablename__ = "log_nodes"
    __table_args__ = (CheckConstraint("length(hash) = 32", "hash"), WITHOUT_ROWID)

    tree: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogKey(Model):
    """A public key that checkpoints are signed with; the last row is the key in use.

    `origin` names the tree of events. `follows` is the last checkpoint of the origin before, as a signed
    note, where a new origin was begun.
    """

    __tablename__ = "log_keys"
    __table_args__ = (CheckConstraint("length(public_key) = 32", "public_key"), WITHOUT_ROWID)

    number: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(STRING)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    registered_at: Mapped[str] = mapped_column(STRING)
    follows: Mapped[str | None] = mapped_column(STRING)


class StoredCheckpoint(Model):
    """A signed checkpoint of a tree. `note` is the whole note, without cosignatures."""

    __tablename__ = "checkpoints"
    __table_args__ = (WITHOUT_ROWID,)

    tree: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    key_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(STRING)
    signed_at: Mapped[str] = mapped_column(STRING)


class Cosignature(Model):
    """The signature of a witness for a checkpoint: the name of its key, and the line of the note."""

    __tablename__ = "cosignatures"
    __table_args__ = (WITHOUT_ROWID,)

    tree: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    key_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(STRING, primary_key=True)
    line: Mapped[str] = mapped_column(STRING)
    received_at: Mapped[str] = mapped_column(STRING)


log_nodes: Final = table_of(LogNode)
