"""Read the names that are joined: the present ones from their projection, earlier ones from the log."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.entry import Entry
from webapp.domain.event_validation import InvalidEvent, read_entry
from webapp.domain.joined_names import PARTIES, REGISTRIES, JoinedName, NameHistory, NameKind, PartyNames
from webapp.domain.registry_names import RegistryNames
from webapp.ledger.storage.statements import fetch, send


class NameTable(NamedTuple):
    """The projection of a kind of names: the table, and its column with the main name."""

    name: str
    main: str


TABLES: Final = {
    REGISTRIES: NameTable("registry_aliases", "registry_key"),
    PARTIES: NameTable("party_aliases", "party_key"),
}
_ENTRIES: Final = (
    "SELECT feed.position, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.type IN (?, ?) AND feed.position <= ? ORDER BY feed.position"
)
_ENTRIES_ABOUT: Final = (
    "SELECT feed.position, events.body FROM subjects JOIN events ON events.subject = subjects.key"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE subjects.name = ? AND feed.position <= ? ORDER BY feed.position"
)
_LATER: Final = "SELECT 1 FROM feed WHERE type IN (?, ?) AND position > ? LIMIT 1"
_ANY_POSITION: Final = 2**63 - 1


def registry_names(connection: Connection) -> RegistryNames:
    """Return the names of all registries, as this connection sees them."""
    return RegistryNames(_main_of(connection, REGISTRIES))


def registry_names_at(connection: Connection, position: int) -> RegistryNames:
    """Return the names of all registries as of a feed position, from the log."""
    return RegistryNames(_main_of_at(connection, REGISTRIES, position))


def party_names(connection: Connection) -> PartyNames:
    """Return the names of all parties, as this connection sees them."""
    return PartyNames(_main_of(connection, PARTIES))


def party_names_at(connection: Connection, position: int) -> PartyNames:
    """Return the names of all parties as of a feed position, from the log."""
    return PartyNames(_main_of_at(connection, PARTIES, position))


def joined_names(connection: Connection, kind: NameKind) -> dict[str, JoinedName]:
    """Return the present aliases of a kind, by canonical name."""
    table = TABLES[kind]
    rows = fetch(connection, f"SELECT alias_key, {table.main}, alias FROM {table.name}")  # noqa: S608
    return {alias_key: JoinedName(main, alias) for alias_key, main, alias in rows}


def name_entries(
    connection: Connection, kind: NameKind, position: int = _ANY_POSITION, subject: str | None = None
) -> Iterator[tuple[int, Entry]]:
    """Yield the entries that join and separate names of a kind, up to a position, with their positions.

    With `subject`, only those about it.

    An entry that cannot be read, or is of another type, is left out: ``audit.entry_check`` reports it.
    """
    if subject is None:
        rows = fetch(connection, _ENTRIES, str(kind.joins), str(kind.separates), position)
    else:
        rows = fetch(connection, _ENTRIES_ABOUT, subject, position)
    for at, body in rows:
        with suppress(InvalidEvent):
            entry = read_entry(body)
            if entry.type in {kind.joins, kind.separates}:
                yield at, entry


def set_joined(connection: Connection, kind: NameKind, alias_key: str, name: JoinedName | None) -> None:
    """Store an alias in the projection; None removes it."""
    table = TABLES[kind]
    if name is None:
        send(connection, f"DELETE FROM {table.name} WHERE alias_key = ?", [(alias_key,)])  # noqa: S608
        return
    statement = f"INSERT INTO {table.name} (alias_key, {table.main}, alias) VALUES (?, ?, ?)"  # noqa: S608
    send(connection, statement, [(alias_key, name.main, name.text)])


def _main_of(connection: Connection, kind: NameKind) -> dict[str, str]:
    table = TABLES[kind]
    rows = fetch(connection, f"SELECT alias_key, {table.main} FROM {table.name}")  # noqa: S608
    return dict(map(tuple, rows))


def _main_of_at(connection: Connection, kind: NameKind, position: int) -> dict[str, str]:
    if not fetch(connection, _LATER, str(kind.joins), str(kind.separates), position):
        return _main_of(connection, kind)
    history = NameHistory(kind)
    for _, entry in name_entries(connection, kind, position):
        history.follow(entry)
    return history.main_of
