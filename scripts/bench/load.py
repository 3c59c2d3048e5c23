"""Load generation with wrk: 16 clients send prepared requests, and responses are counted by status."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any, Final

from scripts.bench import processes
from scripts.bench.server import Server
from server.terminal import CommandError

CLIENTS: Final = 16
ANSWER_WITHIN_S: Final = 20
SCRIPT: Final = Path(__file__).with_name("load.lua")
INSTALL: Final = "wrk is not installed: apt-get install wrk, or brew install wrk."


@dataclass(frozen=True)
class Load:
    """Prepared requests and their expected status.

    Cyclic requests are repeated from the start; others, such as retirements, are sent once.
    """

    requests: list[bytes]
    expected: HTTPStatus = HTTPStatus.OK
    is_cyclic: bool = True


@dataclass(frozen=True)
class Measured:
    """The result of a load. Times are in seconds unless the name says otherwise."""

    expected: HTTPStatus
    seconds: float
    statuses: Mapping[int, int]
    unanswered: int
    p50_ms: float
    p99_ms: float
    wrk_cpu_seconds: float
    server_cpu_seconds: float

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.answers / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The server's CPU time per response, in milliseconds."""
        return 1000 * self.server_cpu_seconds / self.answers

    @property
    def wrk_cores(self) -> float:
        """The share of one core that wrk used."""
        return self.wrk_cpu_seconds / self.seconds

    @property
    def is_as_expected(self) -> bool:
        """Whether every request was answered with the expected status."""
        return not self.unanswered and set(self.statuses) == {self.expected}


def request(method: str, path: str, value: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of a request, with a JSON body unless `value` is None."""
    body = b"" if value is None else json.dumps(value).encode()
    sent = {"Host": "localhost", **(headers or {})}
    if value is not None:
        sent["Content-Type"] = "application/json"
    if method != "GET":
        sent["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in sent.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def require_wrk() -> None:
    """Raise CommandError if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise CommandError(INSTALL)


def run(server: Server, load: Load, seconds: int, clients: int = CLIENTS) -> Measured:
    """Send the load for `seconds`, or until a load that is not cyclic has no more requests.

    Raises:
        CommandError: wrk failed, or no request was answered.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-requests-") as prepared:
        prepared.writelines(_framed(load.requests))
        prepared.flush()
        cpu_before = server.cpu_seconds()
        wrk = processes.start(
            [
                *("wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"),
                *("--timeout", f"{ANSWER_WITHIN_S}s", "--latency", "--script", str(SCRIPT)),
                *(server.url, "--", prepared.name, "again" if load.is_cyclic else "once"),
            ],
            os.environ,
        )
        ended = processes.wait(wrk)
        server_cpu = server.cpu_seconds() - cpu_before
    counted = _counted(ended)
    return Measured(
        expected=load.expected,
        seconds=counted["seconds"],
        statuses={int(status): count for status, count in counted["statuses"].items()},
        unanswered=counted["broken"] + counted["late"],
        p50_ms=counted["p50_ms"],
        p99_ms=counted["p99_ms"],
        wrk_cpu_seconds=ended.cpu_seconds,
        server_cpu_seconds=server_cpu,
    )


def merged(parts: Sequence[Measured]) -> Measured:
    """Return the sum of the parts of a load, with the medians of their latencies."""
    statuses: Counter[int] = Counter()
    for part in parts:
        statuses.update(part.statuses)
    return Measured(
        expected=parts[0].expected,
        seconds=sum(part.seconds for part in parts),
        statuses=statuses,
        unanswered=sum(part.unanswered for part in parts),
        p50_ms=median(part.p50_ms for part in parts),
        p99_ms=median(part.p99_ms for part in parts),
        wrk_cpu_seconds=sum(part.wrk_cpu_seconds for part in parts),
        server_cpu_seconds=sum(part.server_cpu_seconds for part in parts),
    )


def _framed(requests: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each request preceded by its length, as the Lua script reads them."""
    for prepared in requests:
        yield b"%d\n%s" % (len(prepared), prepared)


def _counted(wrk: processes.Ended) -> dict[str, Any]:
    """Return the JSON object that the script printed as the last line."""
    last = wrk.output.strip().rpartition("\n")[2]
    if wrk.exit_status or not last.startswith("{"):
        raise CommandError(f"wrk failed:\n{wrk.output}")
    counted: dict[str, Any] = json.loads(last)
    if not counted["statuses"]:
        raise CommandError(f"No request was answered:\n{wrk.output}")
    return counted
