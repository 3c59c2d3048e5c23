"""32 clients retire parts of one lot concurrently, each until it has retired one tonne."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from threading import Barrier
from typing import Final

from scripts.bench.made_credits import CreditRow
from scripts.bench.server import Server
from server.terminal import CommandError
from tests.fixtures.server import Client

CLIENTS: Final = 32


@dataclass
class Parts:
    """Counts of first responses and of all; the longest wait for a first response, in seconds."""

    rounds: int = 0
    first_answers: Counter[int] = field(default_factory=Counter)
    all_answers: Counter[int] = field(default_factory=Counter)
    longest_wait: float = 0.0


def retire_parts(server: Server, seconds: float) -> Parts:
    """Run rounds for `seconds`: 32 clients each retire one tonne of a new credit of 32 tonnes.

    The first client splits the lot. The others get a 409 that names the remaining lot, and retry with it.
    """
    parts = Parts()
    together = Barrier(CLIENTS)
    end = time.monotonic() + seconds
    with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as threads:
        clients = [stack.enter_context(server.client()) for _ in range(CLIENTS)]
        while not parts.rounds or time.monotonic() < end:
            path = _new_credit(clients[0], parts.rounds)
            for answers, waited in threads.map(partial(_retire_one, path, together), clients):
                parts.first_answers[answers[0]] += 1
                parts.all_answers.update(answers)
                parts.longest_wait = max(parts.longest_wait, waited)
            parts.rounds += 1
    return parts


def _new_credit(client: Client, number: int) -> str:
    """Record the credit of a round and return its path."""
    credit = CreditRow(
        project_name="Retired in parts",
        registry="american-carbon-registry",
        vintage=2024,
        quantity=CLIENTS,
        serial_number=f"ACR-US-0-2024-{number}-1 to {CLIENTS}",
    )
    answer = client.post("/records", credit)
    if answer.status != HTTPStatus.CREATED:
        raise CommandError(f"A credit to retire in parts was answered with {answer.status}: {answer.body!r}")
    return f"/records/{answer.json['id']}"


def _retire_one(path: str, together: Barrier, client: Client) -> tuple[list[int], float]:
    """Retire one tonne of the lot, or of its rest. Return all statuses and the first wait in seconds."""
    client.connect()
    together.wait()
    statuses: list[int] = []
    first_wait = 0.0
    while path:
        answer = client.post(f"{path}/retire", {"quantity": 1})
        first_wait = first_wait or answer.seconds
        statuses.append(answer.status)
        lots = answer.json.get("lots", []) if answer.status == HTTPStatus.CONFLICT else []
        path = next((str(lot["url"]) for lot in lots if lot["status"] != "RETIRED"), "")
    return statuses, first_wait
