"""What joined names of registries change in the claims of serial numbers.

A claim is keyed by the main name of the registry, so a serial number that is held under one
name is held under every name. Where an alias unites two credits with one serial number, the credit
recorded first holds it, and the other one has a row in contested_claims until it is void.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage.statements import Parameters, send

# Joining an alias: of each two claims with one serial number, the later one becomes contested. The primary
# key would refuse the other order.
_CONTEST: Final = (
    "INSERT INTO contested_claims (credit, registry_key, serial_key)"
    " SELECT CASE WHEN alias.credit < own.credit THEN own.credit ELSE alias.credit END, own.registry_key,"
    " own.serial_key FROM serial_claims AS alias JOIN serial_claims AS own"
    " ON own.registry_key = ? AND own.serial_key = alias.serial_key WHERE alias.registry_key = ?"
)
_DROP_CONTESTED: Final = "DELETE FROM serial_claims WHERE credit IN (SELECT credit FROM contested_claims)"
_MOVE: Final = "UPDATE serial_claims SET registry_key = ? WHERE registry_key = ?"
# Separating an alias: the claims of the credits that were recorded with that name.
_MOVE_BACK: Final = (
    "UPDATE {} SET registry_key = ? WHERE registry_key = ? AND credit IN"
    " (SELECT credit FROM credit_states WHERE credit_states.registry_key = ?)"
)
# A new lot whose serial number one with another name of the registry holds.
_CONTEST_LOT: Final = (
    "INSERT INTO contested_claims (credit, registry_key, serial_key)"
    " SELECT asked.credit, held.registry_key, held.serial_key"
    " FROM (SELECT CAST(? AS TEXT) AS registry_key, CAST(? AS TEXT) AS name_key,"
    " CAST(? AS TEXT) AS serial_key, CAST(? AS BIGINT) AS credit) AS asked JOIN serial_claims AS held"
    " ON held.registry_key = asked.registry_key AND held.serial_key = asked.serial_key"
    " AND held.credit <> asked.credit JOIN credit_states AS state"
    " ON state.credit = held.credit AND state.registry_key <> asked.name_key"
)
# The first of the contested claims on each serial number that nobody holds any more.
_HOLD_FREE: Final = (
    "INSERT INTO serial_claims (registry_key, serial_key, credit)"
    " SELECT registry_key, serial_key, min(credit) FROM contested_claims WHERE NOT EXISTS"
    " (SELECT 1 FROM serial_claims AS held WHERE held.registry_key = contested_claims.registry_key"
    " AND held.serial_key = contested_claims.serial_key) GROUP BY registry_key, serial_key"
)
_DROP_HELD: Final = (
    "DELETE FROM contested_claims WHERE credit IN (SELECT held.credit FROM serial_claims AS held"
    " JOIN contested_claims AS contested ON contested.credit = held.credit)"
)


def unite(connection: Connection, registry_key: str, alias_key: str) -> None:
    """Move the claims under an alias to its registry, before the alias is stored."""
    send(connection, _CONTEST, [(registry_key, alias_key)])
    send(connection, _DROP_CONTESTED, [()])
    send(connection, _MOVE, [(registry_key, alias_key)])


def separate(connection: Connection, registry_key: str, alias_key: str) -> None:
    """Move the claims of credits that were recorded with the alias back to it, after it was removed."""
    for table in ("serial_claims", "contested_claims"):
        send(connection, _MOVE_BACK.format(table), [(alias_key, registry_key, alias_key)])
    hold_free_claims(connection)


def contest_claims_of_lots(connection: Connection, claims: Sequence[Parameters]) -> None:
    """Add the contested claims of new lots, of these that other credits hold: registry, serial and credit."""
    names = registry_names(connection)
    if names.main_of:
        rows = [(names.key(name), name, serial, credit) for name, serial, credit in claims]
        send(connection, _CONTEST_LOT, rows)


def hold_free_claims(connection: Connection) -> None:
    """Give each serial number that nobody holds to the first credit that has a contested claim on it."""
    send(connection, _HOLD_FREE, [()])
    send(connection, _DROP_HELD, [()])
