"""Metrics that are read from the database for each scrape."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from webapp.domain.errors import LedgerError
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.integrity_tables import integrity_checks
from webapp.ledger.storage.statements import fetch
from webapp.ledger.transparency.signing import State, state_on
from webapp.ledger.transparency.stored_checkpoints import last_checkpoint, registered_keys
from webapp.ledger.transparency.tree import TREES

# Values by the values of the labels.
Values = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class StoredGauge:
    """A figure that is read from the database for each scrape: its name, help and labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[Connection], Values]


def _log_events(connection: Connection) -> Values:
    ((last,),) = fetch(connection, statements.LAST_POSITION)
    return {(): last}


def _unfinished_checks(connection: Connection) -> Values:
    checks = integrity_checks.c
    is_running = checks.owner.is_not(None) & (checks.lease_until >= time_text(clock.now()))
    query = select(func.count(), func.count().filter(is_running)).where(checks.finished_at.is_(None))
    unfinished, running = connection.execute(query).one()
    return {("waiting",): unfinished - running, ("running",): running}


def _checkpoint_ages(connection: Connection) -> Values:
    """Return the seconds since the last checkpoint of each tree; nothing of a tree that has none."""
    keys = registered_keys(connection)
    found = {tree: last_checkpoint(connection, tree, keys[-1].origin) for tree in TREES} if keys else {}
    return {
        (tree.name.lower(),): (clock.now() - datetime.fromisoformat(last.signed_at)).total_seconds()
        for tree, last in found.items()
        if last is not None
    }


def _signing(connection: Connection) -> Values:
    """Return for each tree whether this host signs it."""
    states = {tree: state_on(connection, tree)[0] for tree in TREES}
    return {(tree.name.lower(),): float(state is State.SIGNING) for tree, state in states.items()}


# The figures of the ledger. A figure that is not known has no value: `read` then returns {}.
GAUGES: Final = (
    StoredGauge("ledger_log_events", "Events in the log.", (), _log_events),
    StoredGauge("ledger_check_jobs", "Checks of the whole ledger.", ("state",), _unfinished_checks),
    StoredGauge(
        "ledger_checkpoint_age_seconds", "Time since the last checkpoint.", ("tree",), _checkpoint_ages
    ),
    StoredGauge("ledger_signing", "Whether this host signs checkpoints.", ("tree",), _signing),
)


class StoredGauges(Collector):
    """Reads the stored gauges on one snapshot, and whether the database answers at all."""

    def __init__(self, gauges: tuple[StoredGauge, ...]) -> None:
        """Take the gauges to read."""
        self._gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family for each gauge; of a database that does not answer only `ledger_database_up`."""
        try:
            with reading() as connection:
                values = [gauge.read(connection) for gauge in self._gauges]
        except LedgerError:
            values = []
        yield GaugeMetricFamily("ledger_database_up", "Whether the database answers.", value=bool(values))
        for gauge, found in zip(self._gauges, values, strict=False):
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for labels, value in found.items():
                family.add_metric(labels, value)
            yield family
