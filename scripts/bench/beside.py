"""Measures loads in alternation with the bare route, because the speed of shared machines changes.

Each second of a load has a second of the bare route before and after it. The figure of the load is the
median of these ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import mean, median
from typing import Final

from scripts.bench import load
from scripts.bench.load import CLIENTS, Load, Measured, request
from scripts.bench.server import Server

SLICE_SECONDS: Final = 1
# Share of one core. Above it, wrk itself limits the measurement.
WRK_CORES_MAX: Final = 1 / 3
_BARE: Final = Load([request("GET", "/")])


@dataclass(frozen=True)
class Beside:
    """The measured seconds of a load, and those of the bare route before, between and after them."""

    seconds: list[Measured]
    bare: list[Measured]

    @property
    def measured(self) -> Measured:
        """The whole load: all answers, and the medians of the seconds' latencies."""
        return load.merged(self.seconds)

    @property
    def rate_ratio(self) -> float:
        """The rate, relative to that of the bare route."""
        return median(
            measured.rate / ((before.rate + after.rate) / 2)
            for measured, (before, after) in zip(self.seconds, pairwise(self.bare), strict=True)
        )

    @property
    def cpu_ratio(self) -> float:
        """The server's CPU time per response, relative to that of the bare route."""
        return median(
            measured.cpu_ms / ((before.cpu_ms + after.cpu_ms) / 2)
            for measured, (before, after) in zip(self.seconds, pairwise(self.bare), strict=True)
        )


class BareRoute:
    """The bare route of this run. `faults` lists the reasons that make the run invalid."""

    def __init__(self, server: Server, seconds: int, tell: Callable[[str], None]) -> None:
        """Take the server of the bare route and the number of seconds of each load."""
        self.faults: list[str] = []
        self.measurements: list[Measured] = []
        self._server = server
        self._seconds = seconds
        self._tell = tell
        load.run(server, _BARE, SLICE_SECONDS)  # to warm up
        self._last = self._measure()

    def beside(self, name: str, server: Server, sent: Load, clients: int = CLIENTS) -> Beside:
        """Measure a load; `name` is used in faults and progress."""
        seconds: list[Measured] = []
        bare = [self._last]
        for part in range(self._seconds):
            slice_of_load = (
                sent if sent.is_cyclic else replace(sent, requests=sent.requests[part :: self._seconds])
            )
            seconds.append(load.run(server, slice_of_load, SLICE_SECONDS, clients))
            bare.append(self._measure())
        self._last = bare[-1]
        beside = Beside(seconds, bare)
        if not beside.measured.is_as_expected:
            found = statuses_text(beside.measured)
            self.faults.append(f"{name}: {found} where only {sent.expected} was expected")
        self._tell(f"{name}: {beside.rate_ratio:.3f} of the bare route, CPU {beside.cpu_ratio:.1f} times")
        return beside

    @property
    def cpu_seconds(self) -> float:
        """The mean CPU time of the server per response of the bare route, in seconds."""
        return mean(measured.cpu_ms for measured in self.measurements) / 1000

    def _measure(self) -> Measured:
        measured = load.run(self._server, _BARE, SLICE_SECONDS)
        self.measurements.append(measured)
        if measured.wrk_cores > WRK_CORES_MAX:
            self.faults.append(f"wrk took {measured.wrk_cores:.2f} cores at the bare route")
        if not measured.is_as_expected:
            self.faults.append(f"bare route: {statuses_text(measured)}")
        return measured


def statuses_text(measured: Measured) -> str:
    """Format the counts of statuses and of unanswered requests."""
    unanswered = f", unanswered: {measured.unanswered:,}" if measured.unanswered else ""
    return counts_text(measured.statuses) + unanswered


def counts_text(statuses: Mapping[int, int]) -> str:
    """Format the counts of statuses: `201: 1,234, 409: 5`."""
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
