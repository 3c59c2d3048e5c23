"""The registries that credits name: their names, sums and aliases, and the commands that change aliases.

An alias is confirmed by an ALIASED entry of the log and undone by an UNALIASED one. What that does to the
claims of serial numbers is in ``projections.registry_claims``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from webapp.domain.entry import ALIAS, REGISTRY, EntryType
from webapp.domain.errors import AliasInUse, UnitesCredits
from webapp.domain.fields import parse_fields
from webapp.domain.lifecycle import Status
from webapp.domain.registry_names import REGISTRY_NAME
from webapp.domain.text import canonical
from webapp.ledger import event_log
from webapp.ledger.group_commit import Transaction
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.name_changes import NameChange, refused, require_alias, require_free, run_once
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, fetch
from webapp.ledger.summaries import StatusSums, Sum
from webapp.ledger.views import CreditView, credit_of_row

# The most pairs of credits that are read to be shown.
PAIRS_MAX: Final = 200


@dataclass(frozen=True)
class RegistryView:
    """A text by which credits or aliases name a registry, in its first spelling, with its credits' sums.

    `alias_of` is the registry whose alias it is, None for one of its own; `aliases` are its other names.
    """

    name: str
    sums: StatusSums
    alias_of: str | None
    aliases: Sequence[str]


@dataclass(frozen=True)
class Pair:
    """Two credits under two names of one registry. The one recorded first comes first."""

    first: CreditView
    second: CreditView


@dataclass(frozen=True)
class Union:
    """What an alias would unite, as of now.

    `held` are pairs of credits with one serial number, `alike` those of credits without serial numbers
    that are equal but for the registry's name: these stay two credits. Each has at most PAIRS_MAX, and
    the counts are of all. `seen` is a hash that changes with the pairs in `held`.
    """

    registry: str
    alias: str
    held: Sequence[Pair]
    alike: Sequence[Pair]
    held_count: int
    alike_count: int
    seen: str


def list_registries() -> list[RegistryView]:
    """Return every recorded text and every alias, each registry followed by its aliases."""
    with reading() as connection:
        names = registry_names(connection)
        spelling = _spelling(connection)
        sums: dict[str, dict[Status, Sum]] = {}
        for key, status, credits, quantity_e4 in fetch(connection, _SUMS):
            sums.setdefault(key, {})[Status(status)] = Sum(int(credits), int(quantity_e4))
    return [
        RegistryView(
            spelling[key],
            StatusSums(spelling[key], sums.get(key, {})),
            None if names.key(key) == key else spelling[names.key(key)],
            [spelling[alias] for alias in names.group(key)[1:]] if names.key(key) == key else [],
        )
        for key in sorted(spelling, key=lambda key: (names.key(key), names.key(key) != key, key))
    ]


def union_of(values: Mapping[str, object]) -> Union:
    """Return what joining the `alias` to the `registry` would unite, without writing.

    Raises InvalidFields.
    """
    registry, alias = _parse(values)
    with reading() as connection:
        return _union(connection, registry, alias)


def join_names(
    values: Mapping[str, object],
    actor: str,
    key: IdempotencyKey | None = None,
    *,
    seen: str | None = None,
    accepts_pairs: bool = False,
) -> NameChange:
    """Record that `alias` is another name of `registry`.

    Where it unites credits with one serial number, `accepts_pairs` must say that this is meant; `seen` is
    the hash of the pairs that were shown, and None accepts any. Raises InvalidFields and UnitesCredits.
    """
    registry, alias = _parse(values)

    def action(transaction: Transaction) -> NameChange:
        union = _union(transaction.connection, registry, alias)
        if (union.held and not accepts_pairs) or (seen is not None and seen != union.seen):
            raise UnitesCredits(union.held_count)
        subject = f"{REGISTRY}{canonical(union.registry)}"
        event_log.append_entry(transaction, subject, EntryType.ALIASED, {ALIAS.name: alias}, actor)
        return NameChange(union.registry, alias)

    return run_once(action, key, "join names")


def separate_names(values: Mapping[str, object], actor: str, key: IdempotencyKey | None = None) -> NameChange:
    """Record that `alias` is no longer another name of `registry`.

    Raises InvalidFields, and AliasInUse while it stands between two credits with one serial number.
    """
    registry, alias = _parse(values)

    def action(transaction: Transaction) -> NameChange:
        connection = transaction.connection
        names, alias_key = registry_names(connection), canonical(alias)
        registry_key = names.key(alias_key)
        require_alias(names, (canonical(registry), registry), (alias_key, alias))
        between = fetch(connection, _BETWEEN, registry_key, alias_key, alias_key)
        if between:
            raise AliasInUse(*(bytes(digest).hex() for digest in between[0]))
        spelling = _spelling(connection)
        data = {ALIAS.name: spelling[alias_key]}
        event_log.append_entry(transaction, f"{REGISTRY}{registry_key}", EntryType.UNALIASED, data, actor)
        return NameChange(spelling.get(registry_key, registry_key), spelling[alias_key])

    return run_once(action, key, "separate names")


def same_serial_number(credit_id: str) -> list[CreditView]:
    """Return the other credits with this credit's serial number, which an alias of its registry united.

    Of a lot, also those with the serial number of a credit that it was split from. The one recorded first
    comes first.
    """
    with reading() as connection:
        rows = fetch(connection, _SAME_SERIAL, bytes.fromhex(credit_id))
        views = _views(connection, [key for (key,) in rows])
    return [views[key] for (key,) in rows]


_SUMS: Final = "SELECT registry_key, status, sum(credits), sum(quantity_e4) FROM totals GROUP BY 1, 2"
_SPELLING: Final = (
    "SELECT alias_key, alias FROM registry_aliases UNION ALL SELECT registry_key, name FROM registries"
)
_HELD: Final = (
    "FROM serial_claims AS other JOIN serial_claims AS own ON own.registry_key = ?"
    " AND own.serial_key = other.serial_key WHERE other.registry_key = ?"
)
_ALIKE: Final = (
    "FROM credit_states AS own JOIN credit_states AS other ON other.registry_key = ?"
    " AND other.vintage = own.vintage AND other.status IN ('ACTIVE', 'SOLD', 'RETIRED', 'WITHDRAWN', 'SPLIT')"
    " AND other.project_key = own.project_key AND other.quantity_e4 = own.quantity_e4"
    " AND other.serial_key IS NULL"
    " WHERE own.registry_key = ? AND own.serial_key IS NULL AND own.status <> 'CANCELLED'"
)
# Two credits with one serial number: the one that holds it, and one with a contested claim.
_TWO: Final = (
    "FROM contested_claims AS contested JOIN serial_claims AS held"
    " ON held.registry_key = contested.registry_key AND held.serial_key = contested.serial_key"
)
_IDS_OF_TWO: Final = "SELECT one.id, two.id"
# Two of which one was recorded under the alias.
_BETWEEN: Final = (
    f"{_IDS_OF_TWO} {_TWO} JOIN credits AS one ON one.key = held.credit"
    " JOIN credits AS two ON two.key = contested.credit"
    " JOIN credit_states AS state ON state.credit = held.credit"
    " JOIN credit_states AS other ON other.credit = contested.credit"
    " WHERE contested.registry_key = ? AND (state.registry_key = ?) <> (other.registry_key = ?) LIMIT 1"
)
_KEY_OF_OTHER: Final = "SELECT same.credit"
_HELD_AND_CONTESTED: Final = "SELECT held.credit, contested.credit AS other"
_CONTESTED_AND_HELD: Final = "SELECT contested.credit, held.credit"
_ABOVE: Final = (
    "WITH RECURSIVE above (key, parent) AS (SELECT key, parent FROM credits WHERE id = ?"
    " UNION ALL SELECT credits.key, credits.parent FROM above JOIN credits ON credits.key = above.parent)"
)
_SAME_SERIAL: Final = (
    f"{_ABOVE} {_KEY_OF_OTHER} FROM above JOIN"
    f" ({_HELD_AND_CONTESTED} {_TWO} UNION {_CONTESTED_AND_HELD} {_TWO}) AS same"
    " ON same.other = above.key ORDER BY same.credit"
)


def _parse(values: Mapping[str, object]) -> tuple[str, str]:
    stated = parse_fields((REGISTRY_NAME, ALIAS), values)
    return str(stated[REGISTRY_NAME.name]), str(stated[ALIAS.name])


def _spelling(connection: Connection) -> dict[str, str]:
    """Return the name of each registry and alias as recorded, by its canonical form."""
    return {key: name for key, name in fetch(connection, _SPELLING)}  # noqa: C416 - rows are no pairs


def _union(connection: Connection, registry: str, alias: str) -> Union:
    """Return what an alias would unite. Raises InvalidFields if it cannot be one."""
    names, spelling = registry_names(connection), _spelling(connection)
    registry_key, alias_key = names.key(canonical(registry)), canonical(alias)
    if registry_key not in spelling:
        raise refused(REGISTRY_NAME.name, f"No credit names the registry {registry}.")
    require_free(names, spelling, registry_key, alias_key)
    held = fetch(connection, f"SELECT own.credit, other.credit {_HELD}", registry_key, alias_key)
    alike = fetch(connection, f"SELECT own.credit, other.credit {_ALIKE}", alias_key, registry_key)
    shown = [*sorted(held, key=max)[:PAIRS_MAX]], [*sorted(alike, key=max)[:PAIRS_MAX]]
    views = _views(connection, [key for pairs in shown for pair in pairs for key in pair])
    pairs = sorted(tuple(sorted(pair)) for pair in held)
    return Union(
        spelling[registry_key],
        alias,
        _pairs(shown[0], views),
        _pairs(shown[1], views),
        len(held),
        len(alike),
        sha256(repr(pairs).encode()).hexdigest()[:16],
    )


def _pairs(found: Sequence[Row], views: Mapping[int, CreditView]) -> list[Pair]:
    return [Pair(*(views[key] for key in sorted(pair))) for pair in found]


def _views(connection: Connection, keys: Sequence[int]) -> dict[int, CreditView]:
    """Return credits by their keys."""
    if not keys:
        return {}
    marks = ", ".join("?" * len(set(keys)))
    rows = fetch(connection, statements.CREDITS_WITH_KEYS.format(marks), *sorted(set(keys)))
    return {row[0]: credit_of_row(row)[0] for row in rows}
