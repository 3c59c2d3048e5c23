"""The registry of metrics, and those of the writer.

Under gunicorn, prometheus-client keeps what is counted in a file for each process, so that a scrape of one
process has the metrics of all.
"""

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()
_GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)


def count_waiting_writes(number: int) -> None:
    """Set the depth of this process's write queue."""
    _write_queue_depth().set(number)


def count_group(size: int) -> None:
    """Count a group of writes that was committed in one transaction."""
    _write_group_size().observe(size)


# Made at their first use: a process that writes nothing, such as one that checks the ledger, would otherwise
# leave a file among those of the serving processes.
@cache
def _write_queue_depth() -> Gauge:
    return Gauge(
        "ledger_write_queue_depth",
        "Writes that wait for the writer, in all processes.",
        registry=REGISTRY,
        multiprocess_mode="livesum",
    )


@cache
def _write_group_size() -> Histogram:
    return Histogram(
        "ledger_write_group_size",
        "Writes that were committed in one transaction.",
        registry=REGISTRY,
        buckets=_GROUP_SIZES,
    )
