"""Many clients send random actions on the same credits over HTTP at once.

Afterwards each recorded tonne is in exactly one leaf or in a cancelled credit, and the server has
answered no request with an error of its own.
"""

from decimal import Decimal
from random import Random
from typing import Any, Final

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Answer, Client, Serve, assert_verified_within
from tests.system import races

ACTS_EACH: Final = 8
WHOLE: Final = 1000
MARK: Final = "random-000"
EXPECTED: Final = frozenset({200, 201, 409, 422})


# A record of a list: a credit as it was recorded, or any lot of one.
Leaf = dict[str, Any]


class Actor:
    """A client that chooses its actions at random and counts the tonnes that it recorded."""

    def __init__(self, client: Client, mark: str, random: Random) -> None:
        self.client = client
        self.mark = mark
        self.random = random
        self.recorded = 0

    def act_for_a_while(self) -> None:
        self.create()
        for _ in range(ACTS_EACH):
            act = self.random.choice(
                [*[self.part] * 4, self.split, self.amend, self.cancel, self.correct, None]
            )
            leaf = self.leaf()
            # There is no leaf where all credits are cancelled by now.
            answer = act(leaf) if act and leaf else self.create()
            assert answer.status in EXPECTED, f"{act}: {answer}"

    def create(self) -> Answer:
        first = 1 + WHOLE // 2 * self.random.randrange(40)  # half of them overlap the next one
        serial = f"{self.mark}-{first} to {first + WHOLE - 1}"
        return self.record("/records", self.credit(WHOLE, serial), WHOLE)

    def part(self, leaf: Leaf) -> Answer:
        body: dict[str, object] = {"quantity": self.random.randint(1, WHOLE // 4)}
        act = self.random.choice(["sell", "sell", "retire", "reverse-sale"])
        if act == "reverse-sale":
            body["reason"] = "random"
        return self.client.post(f"/records/{leaf['id']}/{act}", body)

    def amend(self, leaf: Leaf) -> Answer:
        """Amend the facts, or the buyer or beneficiary that the second event may have."""
        words = self.random.choice(
            [{"amends": 1, "facts": {"country": "Kenya"}}, {"amends": 2, "buyer": "Zoë"}]
        )
        return self.client.post(f"/records/{leaf['id']}/amend", words)

    def split(self, leaf: Leaf) -> Answer:
        first = self.random.randint(1, max(1, leaf["quantity"] - 1))
        quantities = [first, leaf["quantity"] - first]
        return self.client.post(f"/records/{leaf['id']}/split", {"quantities": quantities})

    def cancel(self, leaf: Leaf) -> Answer:
        return self.client.post(f"/records/{leaf['id']}/cancel", {"reason": "random"})

    def correct(self, leaf: Leaf) -> Answer:
        changed = self.credit(leaf["quantity"], leaf["serial_number"])
        changed["vintage"] = self.random.randint(1990, 2025)
        body = {"reason": "random", "record": changed}
        return self.record(f"/records/{leaf['id']}/correct", body, leaf["quantity"])

    def record(self, path: str, body: object, quantity: int) -> Answer:
        answer = self.client.post(path, body)
        if answer.status == 201:
            self.recorded += quantity
        return answer

    def credit(self, quantity: int, serial: str) -> dict[str, Any]:
        return {
            "project_name": self.mark,
            "registry": self.random.choice(["Verra", "VCS"]),
            "vintage": 2020,
            "quantity": quantity,
            "serial_number": serial,
        }

    def leaf(self) -> Leaf | None:
        found = self.client.get(f"/records?q={self.mark}&limit=100").json["items"]
        return self.random.choice(found) if found else None


def tonnes(client: Client, address: str) -> Decimal:
    """Return the tonnes of every record of a list, on all of its pages."""
    total, following = Decimal(0), address
    while following:
        page = client.get(following).json
        total += sum((Decimal(str(item["quantity"])) for item in page["items"]), Decimal(0))
        following = page["next"]
    return total


@pytest.mark.parametrize("dialect", DIALECTS)
def test_random_acts_of_many_clients_lose_and_double_no_tonne(
    dialect: str, make_module_database: MakeDatabase, serve_module: Serve
) -> None:
    server = serve_module(make_module_database(dialect))
    with races.crowd(server, "random") as crowd:
        actors = [Actor(client, MARK, Random(f"{MARK} {n}")) for n, client in enumerate(crowd.clients)]  # noqa: S311
        list(crowd.threads.map(Actor.act_for_a_while, actors, timeout=120))
        leaves = tonnes(crowd.first, f"/records?q={MARK}&limit=500")
        cancelled = tonnes(crowd.first, f"/records?q={MARK}&limit=500&status=CANCELLED")
        assert leaves + cancelled == sum(actor.recorded for actor in actors)
        assert leaves > 0
        mistakes = crowd.first.get(f"/records?q={MARK}&limit=500&status=CANCELLED").json["items"]
        assert any(item["parent"] for item in mistakes), "no lot was cancelled"
    assert_verified_within(server.database_url)
