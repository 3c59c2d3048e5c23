"""The keys that authenticate rows of tokens and sessions (``domain.row_mac``), for each engine."""

from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from webapp.domain.row_mac import row_key

_keys: Final[WeakKeyDictionary[Engine, Sequence[bytes]]] = WeakKeyDictionary()


def use_secret_keys(engine: Engine, secret_keys: Sequence[str]) -> None:
    """Set the secret keys of this engine: the one that signs, followed by those still accepted."""
    _keys[engine] = [row_key(key) for key in secret_keys]


def row_keys(engine: Engine) -> Sequence[bytes]:
    """Return the keys for rows of this engine, the one that signs first; none if they were not set."""
    return _keys.get(engine, ())
