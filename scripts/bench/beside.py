"""Loads beside the bare route: it is measured before and after each, because machines drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Final

from scripts.bench import load
from scripts.bench.load import CLIENTS, Load, Measured, request
from scripts.bench.server import Server

BARE_SECONDS: Final = 2
WARM_UP_SECONDS: Final = 1
# Of one core, at the bare route. A load that takes more measures itself.
WRK_CORES_MAX: Final = 1 / 3
_BARE: Final = Load([request("GET", "/")])


@dataclass(frozen=True)
class Beside:
    """A load and the bare route around it."""

    measured: Measured
    bare_rate: float
    bare_cpu_ms: float

    @property
    def rate_ratio(self) -> float:
        """Answers a second, in those of the bare route."""
        return self.measured.rate / self.bare_rate

    @property
    def cpu_ratio(self) -> float:
        """The server's CPU for each answer, in that of the bare route."""
        return self.measured.cpu_ms / self.bare_cpu_ms


class BareRoute:
    """The bare route of this run. `faults` says what makes the run void."""

    def __init__(self, server: Server, seconds: int, tell: Callable[[str], None]) -> None:
        """Take the server of the bare route and how many seconds a load is sent for."""
        self.faults: list[str] = []
        self.measurements: list[Measured] = []
        self._server = server
        self._seconds = seconds
        self._tell = tell
        load.run(server, _BARE, WARM_UP_SECONDS)
        self._last = self._measure()

    def beside(self, name: str, server: Server, sent: Load, clients: int = CLIENTS) -> Beside:
        """Measure a load; `name` is what a fault is told about."""
        measured = load.run(server, sent, self._seconds, clients)
        if not measured.is_as_expected:
            self.faults.append(f"{name}: {statuses_text(measured)} where only {sent.expected} was expected")
        before, after = self._last, self._measure()
        self._last = after
        beside = Beside(measured, (before.rate + after.rate) / 2, (before.cpu_ms + after.cpu_ms) / 2)
        self._tell(f"{name}: {beside.rate_ratio:.3f} of the bare route, CPU {beside.cpu_ratio:.1f} times")
        return beside

    @property
    def cpu_seconds(self) -> float:
        """The server's CPU for one answer of the bare route, as a mean of the run."""
        return mean(measured.cpu_ms for measured in self.measurements) / 1000

    def _measure(self) -> Measured:
        measured = load.run(self._server, _BARE, BARE_SECONDS)
        self.measurements.append(measured)
        if measured.wrk_cores > WRK_CORES_MAX:
            self.faults.append(f"wrk took {measured.wrk_cores:.2f} cores at the bare route")
        if not measured.is_as_expected:
            self.faults.append(f"bare route: {statuses_text(measured)}")
        return measured


def statuses_text(measured: Measured) -> str:
    """Write how often each status came, and how many requests got no answer."""
    unanswered = f", unanswered: {measured.unanswered:,}" if measured.unanswered else ""
    return counts_text(measured.statuses) + unanswered


def counts_text(statuses: Mapping[int, int]) -> str:
    """Write how often each status came: `201: 1,234, 409: 5`."""
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
