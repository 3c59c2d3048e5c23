"""How the cost of each act grows with the ledger: `make bench`.

A time alone says more about the machine than about the program, so every figure is a ratio within
one run: the same act on a ledger of many credits and on one of few. Near 1.0 means that the act
does not care how much there is. Nothing here is a test; these machines are shared and noisy.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask import current_app
from flask_migrate import upgrade

from webapp import create_app
from webapp.config import Settings
from webapp.domain import events
from webapp.domain.credits import Credit
from webapp.domain.lifecycle import Status
from webapp.ledger import clock, commands, lists, log, queries
from webapp.ledger.actors import CLI
from webapp.ledger.database import db, transact
from webapp.ledger.lists import CreditFilter

BATCH: Final = 5_000
ROUNDS: Final = 15
RARE: Final = 500
SELL: Final = "POST a sale"
SELL_WITH_KEY: Final = "POST a sale, with a key"
RETIRE: Final = "POST a retirement"
RETIRE_WITH_KEY: Final = "POST it, with a key"


@dataclass(frozen=True)
class Ledger:
    """A ledger to measure on, and the ids that an act of each round can have."""

    size: int
    ids: list[str]


def credit(number: int) -> Credit:
    """Return one of many different credits, spread over registries and vintages."""
    name = "Xylophone ridge" if number % 1000 == RARE else "Reforestation of a valley"
    return Credit(
        project_name=f"{name}, block {number}",
        registry=f"Registry {number % 7}",
        vintage=1990 + number % 30,
        quantity_e4=(1 + number % 5_000) * 10_000,
        serial_number=f"SERIAL-{number:09}",
    )


def fill(size: int) -> Ledger:
    """Record `size` credits in batches."""
    ids: list[str] = []
    for start in range(0, size, BATCH):
        now = events.time_text(clock.now())
        batch = [credit(number) for number in range(start, min(start + BATCH, size))]
        new = [events.created(item, CLI, now) for item in batch]
        transact(partial(log.append, new=new))
        ids += [item.id for item in batch]
    return Ledger(size, ids)


def page_far_in(ledger: Ledger) -> Callable[[int], object]:
    """Return a read of a page in the middle of the list, by its cursor."""
    wanted = CreditFilter(sort="project")
    cursor = None
    for _ in range(min(40, ledger.size // 1000)):
        cursor = lists.list_credits(wanted, cursor, limit=500).next
    return lambda _round: lists.list_credits(wanted, cursor)


def acts(ledger: Ledger) -> dict[str, Callable[[int], object]]:
    """Return what is measured, by name; each takes the number of its round."""
    fresh = ledger.size

    def create(round_number: int) -> object:
        item = credit(fresh + round_number)
        facts = {
            "project_name": item.project_name,
            "registry": item.registry,
            "vintage": str(item.vintage),
            "quantity": "1",
            "serial_number": item.serial_number,
        }
        return commands.create_credit(facts, CLI)

    client = current_app.test_client()

    def call(act: str, first: int, *, has_key: bool) -> Callable[[int], object]:
        def send(round_number: int) -> object:
            headers = {"Idempotency-Key": f"{act} {round_number}"} if has_key else {}
            path = f"/records/{ledger.ids[first + round_number]}/{act}"
            answer = client.post(path, headers=headers)
            if answer.status_code != HTTPStatus.OK:
                raise RuntimeError(answer.text)
            return answer

        return send

    return {
        SELL: call("sell", 2 * ROUNDS, has_key=False),
        SELL_WITH_KEY: call("sell", 3 * ROUNDS, has_key=True),
        RETIRE: call("retire", 2 * ROUNDS, has_key=False),
        RETIRE_WITH_KEY: call("retire", 3 * ROUNDS, has_key=True),
        "create a credit": create,
        "sell a credit": lambda n: commands.sell_credit(ledger.ids[n], {"buyer": f"Buyer {n}"}, CLI),
        "retire a credit": lambda n: commands.retire_credit(ledger.ids[n], {"reason": "bench"}, CLI),
        "read one credit": lambda n: queries.record(ledger.ids[n]),
        "first page": lambda _: lists.list_credits(CreditFilter()),
        "first page, filtered": lambda _: lists.list_credits(
            CreditFilter(registry="registry 3", status=Status.ACTIVE)
        ),
        "page far in, by name": page_far_in(ledger),
        "search, one in 1,000": lambda _: lists.list_credits(CreditFilter(q="xylophone")),
        "search a serial number": lambda n: lists.list_credits(CreditFilter(q=f"serial-{n:09}")),
        "totals": lambda _: queries.ledger_totals(),
        "latest events": lambda _: lists.list_events(newest_first=True),
    }


def measure(ledger: Ledger) -> dict[str, float]:
    """Return the median seconds of each act."""
    medians = {}
    for name, act in acts(ledger).items():
        times = []
        for round_number in range(ROUNDS):
            start = time.perf_counter()
            act(round_number)
            times.append(time.perf_counter() - start)
        medians[name] = statistics.median(times)
    return medians


def measured_on(url: str, size: int) -> dict[str, float]:
    """Fill a new ledger at this address and measure on it."""
    app = create_app(Settings(url, secret_key=os.urandom(32).hex()))
    with app.app_context():
        upgrade()
        start = time.perf_counter()
        ledger = fill(size)
        seconds = time.perf_counter() - start
        medians = {"record one of a batch": seconds / size, **measure(ledger)}
        db.engine.dispose()
    return medians


def main() -> None:
    """Print each act's cost on the large ledger against the small one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=100_000)
    sizes = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = (
            measured_on(f"sqlite:///{Path(folder) / f'{size}.sqlite3'}", size)
            for size in (sizes.small, sizes.large)
        )
    print(f"{'act':24}{sizes.small:>10,} credits{sizes.large:>11,} credits   ratio")
    for name, seconds in large.items():
        ratio = seconds / small[name]
        print(f"{name:24}{small[name] * 1e3:>15.3f} ms{seconds * 1e3:>16.3f} ms{ratio:>8.1f}")
    keyless, keyed = large[SELL] + large[RETIRE], large[SELL_WITH_KEY] + large[RETIRE_WITH_KEY]
    print(f"An Idempotency-Key makes an act {keyed / keyless:.2f} times what it costs without one.")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
