import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded, retired, sold
from tests.fixtures.entries import credit_events
from tests.fixtures.ledger import RawClient
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyRetired,
    AlreadySold,
    BlockHeld,
    CreditMoved,
    InvalidFields,
    LedgerBusy,
    SerialHeld,
    UnknownCredit,
)
from webapp.domain.event import NO_PREVIOUS_HASH, text_hash
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import event_log, group_commit, queries
from webapp.ledger.commands import correct_credit, create_credit, retire_credit, sell_credit
from webapp.ledger.group_commit import ATTEMPTS
from webapp.ledger.listing import list_events
from webapp.ledger.storage.engine import reading
from webapp.ledger.views import Record

pytestmark = pytest.mark.usefixtures("ledger_app")

Act = Callable[[str, dict[str, object], str], object]
StaleReads = Callable[..., list[int]]
NOBODY = "0" * 64


def types_of(credit_id: str) -> list[str]:
    return [event.event_type for event in queries.record(credit_id).events]


# Create


def test_a_new_credit_is_active_and_has_one_event() -> None:
    answer = create_credit(a_credit(), LOCAL)
    assert answer.is_new
    assert types_of(answer.credit_id) == ["CREATED"]
    assert queries.credit(answer.credit_id).status is Status.ACTIVE


def test_the_id_of_a_credit_is_that_of_the_contract() -> None:
    assert recorded() == "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"


def test_creating_a_credit_again_finds_it_and_appends_nothing() -> None:
    credit_id = recorded()
    found = create_credit(a_credit(), CLI)
    assert (found.credit_id, found.is_new) == (credit_id, False)
    assert types_of(credit_id) == ["CREATED"]


def test_a_credit_spelled_otherwise_is_the_same_and_keeps_its_first_spelling() -> None:
    credit_id = recorded()
    again = create_credit(
        a_credit(
            project_name=" mangrove\u3000restoration PROJECT\u200b",
            registry="\uff36cs",
            quantity="100.0",
            serial_number="vcs-0001",
        ),
        LOCAL,
    )
    assert (again.credit_id, again.is_new) == (credit_id, False)
    assert queries.credit(credit_id).project_name == "Mangrove Restoration Project"


def test_creating_a_credit_that_was_sold_or_retired_finds_it_as_it_is() -> None:
    for make, status in ((sold, Status.SOLD), (retired, Status.RETIRED)):
        credit_id = make(serial_number=status)
        assert create_credit(a_credit(serial_number=status), LOCAL).is_new is False
        assert queries.credit(credit_id).status is status


def test_a_credit_without_a_serial_number_is_recorded_once_too() -> None:
    first = create_credit(a_credit(serial_number=""), LOCAL)
    second = create_credit(a_credit(serial_number=None), LOCAL)
    assert (second.credit_id, second.is_new) == (first.credit_id, False)


def test_credits_without_a_serial_number_do_not_conflict() -> None:
    assert recorded(serial_number="") != recorded(serial_number="", quantity="101")


@pytest.mark.parametrize("make", [recorded, sold, retired])
def test_a_serial_number_stays_held_in_every_counted_status(make: Callable[[], str]) -> None:
    holder = make()
    with pytest.raises(SerialHeld, match=f"held by another credit, {holder}") as refusal:
        recorded(quantity="101")
    assert refusal.value.holder == holder


@pytest.mark.parametrize(
    "change", [{"quantity": "101"}, {"vintage": "2022"}, {"project_name": "Another Project"}], ids=str
)
def test_the_same_serial_number_with_any_other_field_different_is_a_conflict(
    change: dict[str, object],
) -> None:
    recorded()
    with pytest.raises(SerialHeld):
        recorded(**change)


@pytest.mark.parametrize("serial", [" vcs-0001 ", "\uff36CS-0001", "VCS\u200b-0001"], ids=ascii)
def test_a_serial_number_in_another_spelling_is_the_same(serial: str) -> None:
    recorded()
    with pytest.raises(SerialHeld):
        recorded(serial_number=serial, quantity="101")


def test_a_registry_in_another_spelling_holds_the_same_serial_numbers() -> None:
    recorded()
    with pytest.raises(SerialHeld):
        recorded(registry=" vcs\u00ad", quantity="101")


def test_another_registry_may_hold_the_same_serial_number() -> None:
    assert recorded(registry="Gold Standard") != recorded()


def test_a_refused_credit_leaves_nothing_behind() -> None:
    recorded()
    with pytest.raises(SerialHeld):
        recorded(quantity="101")
    with pytest.raises(InvalidFields):
        recorded(quantity="0")
    assert [event.position for event in list_events().items] == [1]


def test_a_credit_corrected_to_numbers_that_another_one_holds_is_refused_with_its_holder() -> None:
    wrong, other = recorded(**numbers(101, 150)), recorded(**numbers(160, 169))
    with pytest.raises(BlockHeld) as refusal:
        correct_credit(wrong, a_credit(**numbers(100, 169)), {"reason": "wrong"}, LOCAL)
    assert (refusal.value.holder, refusal.value.first, refusal.value.last) == (other, 160, 169)


def numbers(first: int, last: int) -> dict[str, object]:
    """Return the fields of a credit with a block of these numbers."""
    serial_number = f"1-{first}-{last}-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
    return {"quantity": str(last - first + 1), "serial_number": serial_number}


# Sell and retire


def test_an_active_credit_can_be_sold_and_then_retired() -> None:
    credit_id = sold()
    retire_credit(credit_id, {}, LOCAL)
    assert types_of(credit_id) == ["CREATED", "SOLD", "RETIRED"]
    assert queries.credit(credit_id).status is Status.RETIRED


def test_an_active_credit_can_be_retired_without_a_sale() -> None:
    assert types_of(retired()) == ["CREATED", "RETIRED"]


def test_a_sold_credit_cannot_be_sold_again() -> None:
    credit_id = sold()
    with pytest.raises(AlreadySold) as refusal:
        sell_credit(credit_id, {"buyer": "Somebody Else"}, LOCAL)
    assert refusal.value.since == queries.credit(credit_id).changed_at
    assert types_of(credit_id) == ["CREATED", "SOLD"]


def test_a_retired_credit_cannot_be_sold() -> None:
    credit_id = retired()
    with pytest.raises(AlreadyRetired):
        sell_credit(credit_id, {}, LOCAL)


def test_a_retired_credit_cannot_be_retired_again() -> None:
    credit_id = retired()
    with pytest.raises(AlreadyRetired) as refusal:
        retire_credit(credit_id, {}, LOCAL)
    assert refusal.value.credit_id == credit_id
    assert types_of(credit_id) == ["CREATED", "RETIRED"]


@pytest.mark.parametrize("act", [sell_credit, retire_credit])
def test_an_unknown_credit_cannot_be_acted_on(act: Act) -> None:
    with pytest.raises(UnknownCredit):
        act(NOBODY, {}, LOCAL)


@pytest.mark.parametrize("act", [sell_credit, retire_credit])
def test_an_act_with_bad_data_is_refused_and_appends_nothing(act: Act) -> None:
    credit_id = recorded()
    with pytest.raises(InvalidFields):
        act(credit_id, {"note": "\x00"}, LOCAL)
    assert types_of(credit_id) == ["CREATED"]


def test_the_data_of_an_act_is_kept_as_recorded() -> None:
    credit_id = recorded()
    retire_credit(
        credit_id,
        {
            "beneficiary": " Zoë  & Søn ",
            "reason": "Flights",
            "occurred_on": "2020-02-29",
            "reference": "R-1",
            "note": "one\r\ntwo",
        },
        "user:7",
    )
    event = queries.record(credit_id).events[-1]
    assert event.data == {
        "beneficiary": "Zoë & Søn",
        "reason": "Flights",
        "occurred_on": "2020-02-29",
        "reference": "R-1",
        "note": "one\ntwo",
    }
    assert event.actor == "user:7"
    assert queries.credit(credit_id).beneficiary == "Zoë & Søn"


def test_an_act_happened_on_the_day_it_is_recorded_unless_it_says_otherwise(set_clock: SetClock) -> None:
    set_clock.go(days=2)
    assert queries.record(sold()).events[-1].data["occurred_on"] == "2026-11-22"


def test_an_act_cannot_happen_on_a_day_that_it_is_nowhere_yet(set_clock: SetClock) -> None:
    credit_id = recorded()
    set_clock.go(hours=-2, seconds=-1)  # 09:59:59 UTC, before midnight in UTC+14
    with pytest.raises(InvalidFields, match="Must not be in the future"):
        sell_credit(credit_id, {"occurred_on": "2026-11-21"}, LOCAL)
    set_clock.go(seconds=1)
    sell_credit(credit_id, {"occurred_on": "2026-11-21"}, LOCAL)
    set_clock.go(hours=2)  # no event is later than now
    assert_sound()


def test_an_act_cannot_happen_before_there_were_credits(set_clock: SetClock) -> None:
    del set_clock
    credit_id = recorded()
    with pytest.raises(InvalidFields, match="Must be 1990-01-01 or later"):
        sell_credit(credit_id, {"occurred_on": "1989-12-31"}, LOCAL)
    sell_credit(credit_id, {"occurred_on": "1990-01-01"}, LOCAL)


# The log


def test_each_event_follows_the_hash_of_the_one_before(raw: RawClient) -> None:
    credit_id = sold()
    retire_credit(credit_id, {}, LOCAL)
    rows = [
        (json.loads(body), bytes(digest).hex(), text_hash(body))
        for body, digest in raw.execute("SELECT body, hash FROM events ORDER BY seq")
    ]
    assert [facts["seq"] for facts, _, _ in rows] == [1, 2, 3]
    assert [facts["prev_hash"] for facts, _, _ in rows] == [NO_PREVIOUS_HASH, rows[0][1], rows[1][1]]
    assert [kept for _, kept, _ in rows] == [computed for _, _, computed in rows]


def test_times_of_a_history_never_decrease_when_the_clock_is_set_back(set_clock: SetClock) -> None:
    credit_id = recorded()
    set_clock.go(days=-3)
    sell_credit(credit_id, {}, LOCAL)
    set_clock.go(days=4)
    retire_credit(credit_id, {}, LOCAL)
    times = [event.recorded_at for event in queries.record(credit_id).events]
    noon = "2026-11-20T12:00:00.000000Z"
    assert times == [noon, noon, "2026-11-21T12:00:00.000000Z"]


def test_the_feed_has_every_event_in_the_order_of_the_acts() -> None:
    first, second = recorded(serial_number="1"), recorded(serial_number="2")
    retire_credit(second, {}, LOCAL)
    sell_credit(first, {}, LOCAL)
    found = [(e.position, e.credit_id, e.seq, e.event_type) for e in credit_events()]
    assert found == [
        (1, first, 1, EventType.CREATED),
        (2, second, 1, EventType.CREATED),
        (3, second, 2, EventType.RETIRED),
        (4, first, 2, EventType.SOLD),
    ]


def test_a_refused_act_leaves_no_gap_in_the_feed() -> None:
    credit_id = retired()
    for act in (sell_credit, retire_credit):
        with pytest.raises(ActionNotAllowed):
            act(credit_id, {}, LOCAL)
    sell_credit(recorded(serial_number="2"), {}, LOCAL)
    assert [event.position for event in list_events().items] == [1, 2, 3, 4]


def test_an_action_that_fails_halfway_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    credit_id = recorded()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("half way")

    with monkeypatch.context() as patched:
        patched.setattr(event_log, "apply_events", fail)
        with pytest.raises(RuntimeError, match="half way"):
            retire_credit(credit_id, {}, LOCAL)
    assert types_of(credit_id) == ["CREATED"]
    assert queries.credit(credit_id).status is Status.ACTIVE
    retire_credit(credit_id, {}, LOCAL)


# Writes of another client between the read of an action and its append


@pytest.fixture
def stale_reads(monkeypatch: pytest.MonkeyPatch) -> StaleReads:
    """Return a function that lets the next reads of a credit return its present state."""
    read_history = queries.read_history

    def arrange(credit_id: str, looks: int) -> list[int]:
        with reading() as connection:
            old = read_history(connection, credit_id)
        seen: list[int] = []

        def look(*arguments: Any) -> Record | None:  # noqa: ANN401 - as they come
            seen.append(len(seen))
            return old if len(seen) <= looks else read_history(*arguments)

        monkeypatch.setattr(queries, "read_history", look)
        return seen

    monkeypatch.setattr(group_commit, "RETRY_AFTER_S", 0.01)
    return arrange


def test_an_action_that_lost_a_race_is_decided_again(stale_reads: StaleReads) -> None:
    credit_id = recorded()
    seen = stale_reads(credit_id, looks=2)
    retire_credit(credit_id, {}, LOCAL)
    with pytest.raises(AlreadyRetired):
        sell_credit(credit_id, {}, LOCAL)
    assert len(seen) == 3


def test_an_action_that_lost_a_race_fails_if_its_expected_event_is_not_the_last(
    stale_reads: StaleReads,
) -> None:
    credit_id = recorded()
    stale_reads(credit_id, looks=2)
    sell_credit(credit_id, {}, LOCAL)
    with pytest.raises(CreditMoved) as refusal:
        retire_credit(credit_id, {}, LOCAL, expected_seqs={1})
    assert refusal.value.seq == 2


def test_an_action_that_keeps_losing_races_gives_up_and_logs_the_reason(
    stale_reads: StaleReads, caplog: pytest.LogCaptureFixture
) -> None:
    credit_id = recorded()
    seen = stale_reads(credit_id, looks=100)
    retire_credit(credit_id, {}, LOCAL)
    with pytest.raises(LedgerBusy) as refusal:
        sell_credit(credit_id, {}, LOCAL)
    assert len(seen) == 1 + ATTEMPTS
    assert refusal.value.retry_after_s > 0
    assert "Gave up after 6 attempts" in caplog.text
    assert "ledger: " in caplog.text
