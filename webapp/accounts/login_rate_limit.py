"""Rate limits for guesses at passwords, counted in the database.

A guess is recorded before it is checked, so that concurrent guesses cannot exceed the limit, and removed
if it was right. Within WINDOW there are at most

- PER_PAIR guesses at one name from one address,
- PER_ADDRESS guesses from one address at any name, and
- PER_NAME guesses at one name from any address.

From an address where the user signed in within KNOWN_FOR, only PER_PAIR applies. Guesses from elsewhere, or
of others at a shared address, therefore cannot lock the user out.
"""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select

from webapp.accounts.audit_log import change
from webapp.accounts.errors import LoginRateLimited, SetUpCodeRateLimited
from webapp.accounts.tables import known_addresses, sign_in_failures, users
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.group_commit import is_transacting
from webapp.ledger.storage.engine import db

WINDOW: Final = timedelta(minutes=15)
KNOWN_FOR: Final = timedelta(days=30)
PER_PAIR: Final = 5
PER_NAME: Final = 25
PER_ADDRESS: Final = 20

_IPV6_PREFIX: Final = 64  # the smallest network that providers assign to a customer
_keys: Final[WeakKeyDictionary[Engine, bytes]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Attempt:
    """A guess that may be checked; it counts until it succeeds or is withdrawn."""

    name_hash: str
    address_hash: str
    row_id: int = 0

    def withdraw(self) -> None:
        """Remove the guess from the count, because it was not checked."""
        mine = delete(sign_in_failures).where(sign_in_failures.c.id == self.row_id)
        change(lambda connection: connection.execute(mine))

    def succeed(self, connection: Connection, user_id: int) -> None:
        """Remove the guesses at this name from this address, and add it to the user's known addresses."""
        mine = (sign_in_failures.c.name_hash == self.name_hash) & (
            sign_in_failures.c.address_hash == self.address_hash
        )
        connection.execute(delete(sign_in_failures).where(mine))
        known = {"user_id": user_id, "address_hash": self.address_hash}
        connection.execute(delete(known_addresses).filter_by(**known))
        connection.execute(insert(known_addresses), known | {"at": time_text(clock.now())})


def use_key(engine: Engine, secret_key: str) -> None:
    """Set the key that hashes names and addresses in this database."""
    _keys[engine] = secret_key.encode()


def begin_set_up_code(counted_as: str, address: str) -> Attempt:
    """Count a guess at the set-up code, like `begin`. Raises SetUpCodeRateLimited.

    Only the limit per address applies, because the code is too long to be guessed from many addresses.
    These guesses do not count as guesses at passwords.
    """
    attempt = Attempt(_keyed_hash("name", counted_as), _keyed_hash("address of code", _network(address)))
    return _begin(attempt, counted_as, SetUpCodeRateLimited)


def begin(name_key: str, address: str) -> Attempt:
    """Count a guess at the password of the user with this canonical name, and commit the count.

    Raises LoginRateLimited after too many guesses; the password must not be checked then. Raises
    RuntimeError inside an open transaction, because a refusal would roll back the count.
    """
    attempt = Attempt(_keyed_hash("name", name_key), _keyed_hash("address", _network(address)))
    return _begin(attempt, name_key, LoginRateLimited)


def _begin(attempt: Attempt, name_key: str, error: type[LoginRateLimited]) -> Attempt:
    if is_transacting():
        raise RuntimeError("a guess must be counted in a transaction of its own")

    def action(connection: Connection) -> Attempt:
        now = clock.now()
        _clear(connection, now)
        limits = _limits(connection, attempt, name_key)
        for limit, guesses in [limits["pair"]] if error is SetUpCodeRateLimited else limits.values():
            limiting = _nth_newest(connection, limit, guesses)
            if limiting is not None:
                free_at = datetime.fromisoformat(limiting) + WINDOW
                wait_s = ceil((free_at - now).total_seconds())
                raise error(min(wait_s, int(WINDOW.total_seconds())))
        row = {"name_hash": attempt.name_hash, "address_hash": attempt.address_hash, "at": time_text(now)}
        counted = insert(sign_in_failures).values(row).returning(sign_in_failures.c.id)
        return replace(attempt, row_id=connection.execute(counted).scalar_one())

    return change(action)


def limits_reached(connection: Connection, attempt: Attempt, name_key: str) -> list[str]:
    """Return the limits that refuse the next guess of this kind: "pair", "name", "address"."""
    limits = _limits(connection, attempt, name_key)
    return [name for name, (limit, guesses) in limits.items() if _nth_newest(connection, limit, guesses)]


def forget(connection: Connection, name_key: str) -> None:
    """Delete all guesses at this name, so that they no longer limit its user."""
    connection.execute(
        delete(sign_in_failures).where(sign_in_failures.c.name_hash == _keyed_hash("name", name_key))
    )


def _limits(
    connection: Connection, attempt: Attempt, name_key: str
) -> dict[str, tuple[int, ColumnElement[bool]]]:
    """Return the limits that apply to this attempt, each with the condition of the guesses it counts."""
    at_name = sign_in_failures.c.name_hash == attempt.name_hash
    from_address = sign_in_failures.c.address_hash == attempt.address_hash
    limits: dict[str, tuple[int, ColumnElement[bool]]] = {"pair": (PER_PAIR, at_name & from_address)}
    is_known = connection.scalar(
        select(users.c.id)
        .join(known_addresses, known_addresses.c.user_id == users.c.id)
        .where(users.c.name_key == name_key, known_addresses.c.address_hash == attempt.address_hash)
    )
    if is_known is None:
        limits |= {"name": (PER_NAME, at_name), "address": (PER_ADDRESS, from_address)}
    return limits


def _nth_newest(connection: Connection, number: int, guesses: ColumnElement[bool]) -> str | None:
    """Return the time of the `number`-th newest guess, None if there are fewer."""
    at = select(sign_in_failures.c.at).where(guesses).order_by(sign_in_failures.c.at.desc())
    found = connection.scalar(at.offset(number - 1).limit(1))
    return None if found is None else str(found)


def _clear(connection: Connection, now: datetime) -> None:
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.at <= time_text(now - WINDOW)))
    connection.execute(delete(known_addresses).where(known_addresses.c.at <= time_text(now - KNOWN_FOR)))


def _keyed_hash(kind: str, text: str) -> str:
    """Return the keyed hash of the text. Without the key, addresses cannot be found by trying them."""
    return hmac.new(_keys[db.engine], f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()


def _network(address: str) -> str:
    """Return the address that is counted: for IPv6 its /64 network, which belongs to one client."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX), strict=False))
    return str(parsed)
