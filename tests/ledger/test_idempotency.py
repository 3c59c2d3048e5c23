"""An action with an idempotency key runs once; a repeat returns the records as they were after it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from tests.fixtures.clock import SetClock
from tests.fixtures.concurrency import AtOnce
from tests.fixtures.credits import a_credit, recorded, sold
from tests.fixtures.entries import credit_events
from tests.fixtures.group_commits import Group
from tests.fixtures.ledger import RawClient
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import IdempotencyKeyReused, LedgerBusy, UnknownCredit
from webapp.domain.event import time_text
from webapp.domain.lifecycle import EventType, Status
from webapp.imports import jobs, views
from webapp.imports.views import State
from webapp.ledger import clock, commands, idempotency_store, queries
from webapp.ledger.commands import ActionResult
from webapp.ledger.group_commit import precommit_check, transact
from webapp.ledger.idempotency_store import RETENTION, SWEEP_MAX, IdempotencyKey, StoredResult
from webapp.ledger.listing import list_events

pytestmark = pytest.mark.usefixtures("ledger_app")

KEY = IdempotencyKey(LOCAL, "k", "f")
OTHER_REQUEST = replace(KEY, fingerprint="other")
ROWS = json.dumps([a_credit(serial_number="ROW")]).encode()
WRONG = {"reason": "wrong"}

Act = Callable[[], ActionResult]


def create(**changes: object) -> ActionResult:
    return commands.create_credit(a_credit(**changes), LOCAL, KEY)


def sell(credit_id: str, quantity: str | None = None) -> ActionResult:
    return commands.sell_credit(credit_id, {"quantity": quantity, "buyer": "Acme"}, LOCAL, key=KEY)


def retire(credit_id: str, quantity: str | None = None, key: IdempotencyKey = KEY) -> ActionResult:
    return commands.retire_credit(credit_id, {"quantity": quantity}, LOCAL, key=key)


def split(credit_id: str) -> ActionResult:
    return commands.split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL, key=KEY)


def cancel(credit_id: str) -> ActionResult:
    return commands.cancel_credit(credit_id, WRONG, LOCAL, key=KEY)


def correct(credit_id: str) -> ActionResult:
    return commands.correct_credit(credit_id, a_credit(vintage="2022"), WRONG, LOCAL, key=KEY)


def find_recorded() -> Act:
    recorded()
    return create


# Every action that takes a key, each on its own credit.
ACTS: Mapping[str, Callable[[], Act]] = {
    "create": lambda: create,
    "find": find_recorded,
    "sell": lambda: partial(sell, recorded()),
    "sell a part": lambda: partial(sell, recorded(), "40"),
    "retire": lambda: partial(retire, recorded()),
    "retire a part": lambda: partial(retire, recorded(), "40"),
    "retire a part of a sold credit": lambda: partial(retire, sold(), "40"),
    "split": lambda: partial(split, recorded()),
    "split a sold credit": lambda: partial(split, sold()),
    "cancel": lambda: partial(cancel, recorded()),
    "correct": lambda: partial(correct, recorded()),
}


def act_on_all(act: EventType) -> None:
    """Act on every credit that allows it; after a cancellation, record a replacement."""
    for credit_id in dict.fromkeys(event.credit_id for event in credit_events()):
        credit = queries.credit(credit_id)
        whole = {"quantities": ["1", str(credit.quantity_e4 // 10_000 - 1)]}
        if credit.status is Status.CANCELLED and act is EventType.CREATED:
            if not queries.record(credit_id).relations.replaced_by:
                values = a_credit(project_name=credit_id, serial_number=None, replaces=credit_id)
                commands.create_credit(values, LOCAL)
        elif act not in credit.allowed_actions:
            continue
        elif act is EventType.SPLIT:
            commands.split_credit(credit_id, whole, LOCAL)
        elif act is EventType.CANCELLED:
            commands.cancel_credit(credit_id, WRONG, LOCAL)
        else:
            {EventType.SOLD: commands.sell_credit, EventType.RETIRED: commands.retire_credit}[act](
                credit_id, {}, LOCAL
            )


@pytest.mark.parametrize(
    "since",
    [
        (EventType.SOLD, EventType.SPLIT, EventType.RETIRED),
        (EventType.SPLIT, EventType.CANCELLED, EventType.CREATED),
    ],
    ids=["sold", "cancelled"],
)
@pytest.mark.parametrize("name", ACTS)
def test_a_repeat_returns_the_records_as_they_were_after_the_first_request(
    name: str, since: Sequence[EventType]
) -> None:
    act = ACTS[name]()
    first = act()
    assert not first.is_replay
    assert act() == replace(first, is_replay=True)
    for later in since:
        act_on_all(later)
        before = number_of_events()
        assert act() == replace(first, is_replay=True)
        assert number_of_events() == before


def test_a_key_with_another_request_is_refused_and_does_nothing() -> None:
    credit_id = create().credit_id
    with pytest.raises(IdempotencyKeyReused):
        retire(credit_id, key=OTHER_REQUEST)
    assert number_of_events() == 1


def test_a_key_belongs_to_its_actor() -> None:
    credit_id = recorded()
    first = retire(credit_id, "40")
    assert first.rest_id
    assert not retire(first.rest_id, "40", IdempotencyKey("user:7", KEY.text, "other")).is_replay


def test_a_refused_action_stores_no_result_and_leaves_the_key_free(raw: RawClient) -> None:
    with pytest.raises(UnknownCredit):
        retire("0" * 64)
    assert number_of_keys(raw) == 0
    assert not create().is_replay


def test_an_action_rolled_back_by_its_check_is_run_by_the_repeat() -> None:
    """For example of a user whose role was removed meanwhile, and then restored."""
    credit_id = recorded()
    with precommit_check(refuse), pytest.raises(LedgerBusy):
        retire(credit_id)
    assert not retire(credit_id).is_replay


def refuse(_connection: Connection) -> None:
    raise LedgerBusy("no longer allowed")


def test_an_expired_key_can_be_used_again(set_clock: SetClock) -> None:
    first = create()
    set_clock.moment += RETENTION
    assert create().is_replay
    set_clock.go(seconds=1)
    again = retire(first.credit_id, key=OTHER_REQUEST)
    assert not again.is_replay
    assert retire(first.credit_id, key=OTHER_REQUEST) == replace(again, is_replay=True)


# Twins


def test_of_simultaneous_duplicates_one_runs_and_all_get_its_result(at_once: AtOnce) -> None:
    credit_id = recorded()
    results = at_once([partial(retire, credit_id, "40")] * 8)
    done = [result for result in results if isinstance(result, ActionResult)]
    assert sorted(result.is_replay for result in done) == [False] + [True] * 7
    assert len({result.rest_id for result in done}) == 1
    assert number_of_events() == 5


def test_a_duplicate_in_the_same_group_gets_the_first_result(group: Group) -> None:
    credit_id = recorded()
    first, twin = group.of(partial(retire, credit_id, "40"), partial(retire, credit_id, "40"))
    assert isinstance(first, ActionResult)
    assert twin == replace(first, is_replay=True)


def test_a_duplicate_in_the_same_group_runs_if_the_first_was_rolled_back(group: Group) -> None:
    credit_id = recorded()

    def refused() -> object:
        with precommit_check(refuse):
            return retire(credit_id, "40")

    first, twin = group.of(refused, partial(retire, credit_id, "40"))
    assert isinstance(first, LedgerBusy)
    assert isinstance(twin, ActionResult)
    assert not twin.is_replay


# Imports


def receive() -> jobs.Received:
    return jobs.receive(ROWS, "rows.json", LOCAL, key=KEY)


def test_a_file_received_again_is_the_same_import() -> None:
    first = receive()
    assert receive() == jobs.Received(first.import_id, is_replay=True)
    assert len(views.list_imports()) == 1


def test_a_repeated_write_of_an_import_returns_the_written_import() -> None:
    import_id = jobs.receive(ROWS, "rows.json", LOCAL).import_id
    first = jobs.write(import_id, actor=LOCAL, key=KEY)
    assert first.view.written == 1
    assert jobs.write(import_id, actor=LOCAL, key=KEY) == replace(first, is_replay=True)


def test_an_import_that_could_not_be_written_frees_the_key() -> None:
    import_id = jobs.receive(b"[1]", "rows.json", LOCAL).import_id
    assert jobs.write(import_id, actor=LOCAL, key=KEY).view.state is State.CHECKED
    assert not jobs.write(import_id, skip_invalid=True, actor=LOCAL, key=KEY).is_replay


def test_an_import_cancelled_again_says_that_it_was() -> None:
    import_id = jobs.receive(ROWS, "rows.json", LOCAL).import_id
    assert [jobs.cancel(import_id, KEY) for _ in range(2)] == [False, True]


def test_duplicate_uploads_of_a_file_are_one_import(at_once: AtOnce) -> None:
    received = [found for found in at_once([receive] * 8) if isinstance(found, jobs.Received)]
    assert sorted(found.is_replay for found in received) == [False] + [True] * 7
    assert len(views.list_imports()) == 1


# Rows whose time is over


def keep(number: int) -> None:
    kept = StoredResult("test", 200, [], 0)
    transact(lambda connection: idempotency_store.store(connection, replace(KEY, text=str(number)), kept))


def fill(raw: RawClient, number: int, made_at: str) -> None:
    """Insert rows that were made at one time."""
    insert = (
        "INSERT INTO idempotency_keys (actor, key, fingerprint, made_at, kind, status, ids, position)"
        " VALUES ('local', ?, 'f', ?, 'test', 200, '[]', 0)"
    )
    for each in range(number):
        raw.execute(insert, f"{made_at} {each}", made_at)


def test_expired_keys_are_deleted_oldest_first(raw: RawClient) -> None:
    now = clock.now()
    over, long_over = (time_text(now - RETENTION - timedelta(hours=hours)) for hours in (1, 2))
    fill(raw, 2, time_text(now))
    fill(raw, 2, over)
    fill(raw, SWEEP_MAX - 1, long_over)
    transact(idempotency_store.sweep)
    assert raw.execute("SELECT made_at FROM idempotency_keys WHERE made_at < ?", time_text(now)) == [(over,)]
    transact(idempotency_store.sweep)
    assert number_of_keys(raw) == 2


def test_expired_keys_are_deleted_after_a_number_of_new_keys(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_store, "SWEEP_EVERY_KEYS", 3)
    monkeypatch.setattr(idempotency_store, "_sweeps", idempotency_store._Sweeps())
    fill(raw, 5, time_text(clock.now() - RETENTION - timedelta(hours=1)))
    left = []
    for number in range(3):
        keep(number)
        left.append(number_of_keys(raw))
    assert left == [6, 7, 3]


def test_expired_keys_are_deleted_after_a_time(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency_store, "SWEEP_EVERY_S", 0)
    fill(raw, 5, time_text(clock.now() - RETENTION - timedelta(hours=1)))
    keep(1)
    assert number_of_keys(raw) == 1


def number_of_keys(raw: RawClient) -> int:
    return int(raw.execute("SELECT count(*) FROM idempotency_keys")[0][0])


def number_of_events() -> int:
    return len(list_events(limit=500).items)
