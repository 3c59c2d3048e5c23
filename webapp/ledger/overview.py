"""The figures of the dashboard: what is held where, the largest projects, and what went when and to whom.

Each is a sum over the cells of ``as_of``, so none reads all credits. The present sums by registry, vintage
and status are also in `totals`, which every write updates: they are there while the history by day is
being prepared.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.domain.registry_names import RegistryNames
from webapp.ledger import as_of, parties, projects
from webapp.ledger.as_of import Amount, Cut, Dimension, Where
from webapp.ledger.project_keys import ProjectKey, ProjectNames
from webapp.ledger.projections.joined_names import party_names_at, registry_names, registry_names_at
from webapp.ledger.standings import followed
from webapp.ledger.storage.engine import begin_read_transaction, db, end_read_transaction, reading
from webapp.ledger.storage.statements import Row, fetch
from webapp.ledger.summaries import Sum

T = TypeVar("T")
Key = TypeVar("Key", str, ProjectKey)

# The names of a ranking; what the others have is added up.
RANKED: Final = 8
# What a dashboard counts by time: the acts by which tonnes leave.
MOVED: Final = (EventType.RETIRED, EventType.SOLD)


# How many sums a process keeps, and after how many events they are added up anew.
_KEPT_MAX: Final = 64
_CHANGES_MAX: Final = 20_000
_PREPARED_EVERY: Final = _CHANGES_MAX // 2


class Held(NamedTuple):
    """The sum of the credits of one registry, vintage and status."""

    registry: str
    vintage: int
    status: Status
    sum: Sum


class Ranking(NamedTuple, Generic[T]):
    """The names with the largest sums, the number and sum of the others, and the sum without a name."""

    first: Sequence[tuple[T, Sum]]
    others: int
    others_sum: Sum
    unnamed: Sum = Sum()


class Moved(NamedTuple):
    """What was sold or retired in a month, `YYYY-MM`. `is_dated` is false for days that nobody stated."""

    event_type: EventType
    month: str
    is_dated: bool
    sum: Sum


@dataclass(frozen=True)
class History:
    """What follows from the history by day: active tonnes by project, retired ones by beneficiary, months."""

    projects: Ranking[ProjectNames]
    beneficiaries: Ranking[str]
    moved: Sequence[Moved]


def held_now() -> list[Held]:
    """Return the present sums, with the names of a registry joined."""
    with reading() as connection:
        return _held(connection, registry_names(connection), fetch(connection, _HELD))


def held_at(cut: Cut) -> list[Held]:
    """Return the sums at a cut, with the names of a registry joined."""
    amounts = _summed(cut, as_of.balances, ("type", "registry", "vintage"))
    with reading() as connection:
        names = registry_names_at(connection, cut.position)
        rows = ((*of[1:], STATUS_AFTER[EventType(str(of[0]))], *sums) for of, sums in amounts.items())
        return _held(connection, names, rows)


def history_at(cut: Cut) -> History:
    """Return what follows from the history by day at a cut. A process keeps that of the present."""
    before = _last_history.get(db.engine)
    if before is not None and before[0] == cut:
        return before[1]
    history = History(_largest_projects(cut), _beneficiaries(cut), _moved(cut))
    # Of an earlier time, the spellings of names can still change.
    if as_of.is_everything(cut):
        _last_history[db.engine] = cut, history
    return history


def prepare(time_zone: str) -> None:
    """Add up what `history_at` needs for the present, unless this process has nearly done so before.

    Without this, the first reader of a process would wait for it. What is recorded later is little to add.
    """
    begin_read_transaction()  # one snapshot, as a request has: another process may follow the log meanwhile
    try:
        position, before = followed(time_zone), _prepared.get((db.engine, time_zone))
        if not position or (before is not None and abs(position - before) < _PREPARED_EVERY):
            return
        with reading() as connection:
            known_at = as_of.recorded_at(connection, position)
        history_at(Cut(None, known_at, position, time_zone))
        _prepared[db.engine, time_zone] = position
    finally:
        end_read_transaction()


_HELD: Final = "SELECT registry_key, vintage, status, credits, quantity_e4 FROM totals"
_REGISTRIES: Final = "SELECT registry_key, name FROM registries"


def _largest_projects(cut: Cut) -> Ranking[ProjectNames]:
    types = as_of.types_of(Status.ACTIVE)
    amounts = _summed(cut, as_of.balances, ("type", "registry", "project", "project_id"), types)
    with reading() as connection:
        registries = registry_names_at(connection, cut.position)
    sums: dict[ProjectKey, Sum] = {}
    for of, amount in amounts.items():
        key = ProjectKey.of(registries, *map(str, of[1:]))
        sums[key] = sums.get(key, Sum()) + Sum(*amount)
    first, others, others_sum = _ranked(sums)
    names = projects.names_of(cut, [key for key, _ in first])
    return Ranking([(names[key], amount) for key, amount in first], others, others_sum)


def _beneficiaries(cut: Cut) -> Ranking[str]:
    amounts = _summed(cut, as_of.balances, ("type", "party"), (EventType.RETIRED,))
    sums = {str(party): Sum(*amount) for (_, party), amount in amounts.items()}
    unnamed = sums.pop("", Sum())
    first, others, others_sum = _ranked(sums)
    with reading() as connection:
        names = parties.spellings(connection, [key for key, _ in first])
    return Ranking([(names[key], amount) for key, amount in first], others, others_sum, unnamed)


def _ranked(sums: Mapping[Key, Sum]) -> tuple[list[tuple[Key, Sum]], int, Sum]:
    """Return the largest sums with their keys, and the number and sum of the others."""
    largest = sorted(sums.items(), key=lambda each: (-each[1].quantity_e4, each[0]))
    others = largest[RANKED:]
    return largest[:RANKED], len(others), sum((amount for _, amount in others), Sum())


def _moved(cut: Cut) -> list[Moved]:
    amounts = _summed(cut, as_of.movements, ("type", "month", "is_dated"), MOVED)
    return [
        Moved(EventType(str(event_type)), str(month), bool(is_dated), Sum(*amount))
        for (event_type, month, is_dated), amount in sorted(amounts.items())
    ]


class _Kept(NamedTuple):
    """Sums as of a day, the position at which they were known, and what names were one then."""

    sums: Mapping[tuple[str | int, ...], tuple[int, int]]
    position: int
    names: tuple[Mapping[str, str], Mapping[str, str]]


kept_sums: Final[OrderedDict[tuple[object, ...], _Kept]] = OrderedDict()
_lock: Final = Lock()
# The history of the last position that was asked for, by engine.
_last_history: Final[WeakKeyDictionary[Engine, tuple[Cut, History]]] = WeakKeyDictionary()
# The last position for which `prepare` added up, by engine and time zone.
_prepared: Final[dict[tuple[Engine, str], int]] = {}


def _summed(
    cut: Cut, read: Callable[..., list[Amount]], by: Sequence[Dimension], types: tuple[EventType, ...] = ()
) -> Mapping[tuple[str | int, ...], tuple[int, int]]:
    """Return what `read` returns, ``balances`` or ``movements``, as credits and quantity by the dimensions.

    The first dimension is `type`, which `types` limits. A process keeps the last sums of each day. For a
    later position it only reads what changed since.
    """
    key = (db.engine, cut.as_of, cut.time_zone, read.__name__, by, types)
    kept = kept_sums.get(key)
    with reading() as connection:
        registries = registry_names_at(connection, cut.position).main_of
        names = registries, party_names_at(connection, cut.position).main_of
    is_usable = kept and kept.names == names and 0 <= cut.position - kept.position <= _CHANGES_MAX
    since = kept.position if kept and is_usable else None
    sums = dict(kept.sums) if kept and is_usable else {}
    if since == cut.position:
        return sums
    # What changed is little, so choosing from it afterwards is faster than finding the cells of the types.
    for of, credits, quantity_e4 in read(cut, by, Where(types=() if is_usable else types), since=since):
        if types and of[0] not in types:
            continue
        before = sums.pop(of, (0, 0))
        after = before[0] + credits, before[1] + quantity_e4
        if any(after):
            sums[of] = after
    if kept is None or kept.position < cut.position:
        with _lock:
            kept_sums[key] = _Kept(sums, cut.position, names)
            kept_sums.move_to_end(key)
            while len(kept_sums) > _KEPT_MAX:
                kept_sums.popitem(last=False)
    return sums


def _held(connection: Connection, names: RegistryNames, rows: Iterable[Row]) -> list[Held]:
    texts = {str(key): str(text) for key, text in fetch(connection, _REGISTRIES)}
    sums: dict[tuple[str, int, Status], Sum] = {}
    for registry_key, vintage, status, credits, quantity_e4 in rows:
        # An alias can be that of a registry without any credit.
        registry = texts.get(names.key(registry_key)) or texts.get(registry_key) or registry_key
        key = (registry, int(vintage), Status(status))
        sums[key] = sums.get(key, Sum()) + Sum(int(credits), int(quantity_e4))
    return [Held(*key, total) for key, total in sorted(sums.items()) if total.credits]
