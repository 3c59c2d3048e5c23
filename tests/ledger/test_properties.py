"""Random actions, compared with a simple model and between both databases."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domain.spelling import credit_values, texts
from tests.fixtures.clock import SetClock
from tests.fixtures.credits import FACTS, a_credit, withdrawn
from tests.fixtures.entries import imported
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.fixtures.random_cases import cases
from tests.ledger.invariants import Rows, assert_sound, derived
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyRetired,
    AlreadySold,
    AlreadyWithdrawn,
    LedgerError,
    SerialHeld,
    UnknownCredit,
)
from webapp.domain.event import created_event
from webapp.domain.lifecycle import Status
from webapp.ledger import queries, summaries
from webapp.ledger.commands import amend_credit, create_credit, retire_credit, reverse_sale, sell_credit
from webapp.ledger.listing import FeedItem, list_credits, list_events
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.summaries import Sum

pytestmark = pytest.mark.slow

# Credits 0 to 3; number 3 has the serial number of number 0 in another spelling.
SERIALS = ["S-0", "S-1", None, " s-0\u200b"]
PARTIES = [None, "Acme", "ACME ", "Zo\u00eb"]

Act = tuple[str, int, int]
acts = st.lists(
    st.tuples(
        st.sampled_from(["create", "sell", "reverse", "retire", "withdraw", "amend", "enter"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=20,
)


def values_of(number: int) -> dict[str, object]:
    return a_credit(
        registry=["VCS", "vcs"][number % 2],
        quantity=f"{number + 1}.5",
        vintage=str(2020 + number // 2),
        serial_number=SERIALS[number],
    )


AFTER = {
    "sell": Status.SOLD,
    "reverse": Status.ACTIVE,
    "retire": Status.RETIRED,
    "withdraw": Status.WITHDRAWN,
}
ENDED = {Status.RETIRED: AlreadyRetired, Status.WITHDRAWN: AlreadyWithdrawn}
NOT_ALLOWED: dict[tuple[Status, str], type[LedgerError]] = {
    (Status.SOLD, "sell"): AlreadySold,
    (Status.ACTIVE, "reverse"): ActionNotAllowed,
}
IDS = [parse_credit(values_of(number)).id for number in range(4)]


class Model:
    """What the ledger promises, in a few lines: the status of each credit, and who holds a serial."""

    def __init__(self) -> None:
        self.status: dict[int, Status] = {}
        self.events = 0

    def expect(self, act: Act) -> type[LedgerError] | None:
        """Return the expected error of the action, or apply the action to the model."""
        kind, number, _ = act
        status = self.status.get(number)
        if kind == "create" and status is None and {0: 3, 3: 0}.get(number) in self.status:
            return SerialHeld
        if kind in {"create", "enter"}:
            self.events += kind == "enter" or status is None
            if kind == "create":
                self.status.setdefault(number, Status.ACTIVE)
            return None
        if status is None:
            return UnknownCredit
        if kind != "amend" and status in ENDED:
            return ENDED[status]
        if (status, kind) in NOT_ALLOWED:
            return NOT_ALLOWED[status, kind]
        self.status[number] = AFTER.get(kind, status)
        self.events += 1
        return None


def perform(act: Act) -> type[LedgerError] | None:
    kind, number, party = act
    commands: dict[str, Callable[[], object]] = {
        "create": lambda: create_credit(values_of(number), LOCAL),
        "sell": lambda: sell_credit(IDS[number], {"buyer": PARTIES[party]}, LOCAL),
        "reverse": lambda: reverse_sale(IDS[number], {"reason": "Typo"}, LOCAL),
        "retire": lambda: retire_credit(IDS[number], {"beneficiary": PARTIES[party]}, LOCAL),
        "withdraw": lambda: withdrawn(IDS[number]),
        "enter": lambda: imported(str(number + 1)),
        "amend": lambda: amend_credit(IDS[number], {"amends": "1", "facts": FACTS}, LOCAL),
    }
    try:
        commands[kind]()
    except LedgerError as refusal:
        return type(refusal)
    return None


def assert_agrees(model: Model) -> None:
    wanted = (CreditFilter(), CreditFilter(statuses=(Status.WITHDRAWN,)))
    found = {credit.id: credit for each in wanted for credit in list_credits(each).items}
    assert {i: c.status for i, c in found.items()} == {IDS[n]: s for n, s in model.status.items()}
    totals = summaries.ledger_totals()
    for status in Status:
        mine = [c.quantity_e4 for c in found.values() if c.status is status]
        assert totals.ledger[status] == Sum(len(mine), sum(mine))
    for sums in (totals.registries, totals.vintages):
        assert sum((part.all for part in sums), Sum()) == totals.ledger.all
    assert [event.position for event in list_events().items] == list(range(1, model.events + 1))


def play(database_url: str, sequence: list[Act], clock: SetClock) -> tuple[list[FeedItem], Rows]:
    model = Model()
    with opened(database_url):
        for step, act in enumerate(sequence):
            # Sometimes the clock is set back. This must affect nothing but `recorded_at`.
            clock.go(seconds=-90 if step % 5 == 4 else 7)
            assert perform(act) == model.expect(act)
        assert_agrees(model)
        assert_sound()
        return list(list_events().items), derived()


@pytest.mark.random
@settings(max_examples=cases(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=acts)
def test_random_actions_follow_the_lifecycle_and_give_the_same_history_on_both_databases(
    sequence: list[Act], make_database: MakeDatabase, set_clock: SetClock
) -> None:
    started = set_clock.moment
    histories: list[Any] = []
    for dialect in DIALECTS:
        set_clock.moment = started
        histories.append(play(make_database(dialect), sequence, set_clock))
    assert histories[0] == histories[1]


@pytest.fixture(scope="module", params=DIALECTS)
def _kept_ledger(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[None]:
    with opened(make_module_database(request.param)):
        yield


@pytest.mark.usefixtures("_kept_ledger")
@pytest.mark.random
@settings(max_examples=cases(20), deadline=None)
@given(values=credit_values, buyer=texts(), note=texts(40))
def test_a_text_that_goes_in_comes_out_the_same(values: dict[str, str | None], buyer: str, note: str) -> None:
    credit = parse_credit(values)
    try:
        answer = create_credit(values, LOCAL)
    except SerialHeld:
        return
    if not answer.is_new:
        return
    sell_credit(answer.credit_id, {"buyer": buyer, "note": note}, LOCAL)
    found = queries.record(answer.credit_id)
    assert found.credit.id == credit.id
    assert (found.credit.project_name, found.credit.registry, found.credit.serial_number) == (
        credit.project_name,
        credit.registry,
        credit.serial_number,
    )
    assert (found.credit.vintage, found.credit.quantity_e4) == (credit.vintage, credit.quantity_e4)
    assert found.events[0].data == created_event(credit, LOCAL, "").data
    assert found.credit.buyer == found.events[1].data.get("buyer")
    assert list_credits(CreditFilter(q=credit.id)).items == [found.credit]
    assert found.credit in list_credits(CreditFilter(q=credit.project_name), limit=500).items
