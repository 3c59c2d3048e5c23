"""An act under a key is done once; its answer is kept for its actor and for a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from webapp.domain.errors import KeyUsedBefore
from webapp.ledger.keys import BODY_BYTES_MAX, KEPT_FOR, SWEPT, Answer, Done, Key, do_once
from webapp.ledger.lists import list_events

pytestmark = pytest.mark.usefixtures("ledger_app")

KEY = Key("local", "k", "f")


class Act:
    """An act that counts how often it is done."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.runs = 0
        self.answer = answer

    def __call__(self) -> Answer | None:
        self.runs += 1
        return self.answer or Answer(200, [("X-Run", str(self.runs))], f"run {self.runs}".encode())


def kept(raw: RawClient) -> int:
    return int(raw.execute("SELECT count(*) FROM idempotency_keys")[0][0])


def test_the_second_time_the_first_answer_is_given() -> None:
    act = Act()
    first, second = do_once(KEY, act), do_once(KEY, act)
    assert first == Done(Answer(200, [("X-Run", "1")], b"run 1"), is_repeated=False)
    assert second == Done(Answer(200, [("X-Run", "1")], b"run 1"), is_repeated=True)
    assert act.runs == 1


def test_a_key_with_another_request_is_refused() -> None:
    do_once(KEY, Act())
    other = Act()
    with pytest.raises(KeyUsedBefore):
        do_once(Key(KEY.actor, KEY.text, "other"), other)
    assert other.runs == 0


def test_a_key_belongs_to_its_actor() -> None:
    act = Act()
    do_once(KEY, act)
    do_once(Key("user:7", KEY.text, "other"), act)
    assert act.runs == 2


def test_an_act_that_raises_keeps_nothing_and_frees_the_key(raw: RawClient) -> None:
    def fail() -> Answer:
        recorded()
        raise LookupError

    with pytest.raises(LookupError):
        do_once(KEY, fail)
    assert (kept(raw), list_events().items) == (0, [])
    act = Act()
    do_once(KEY, act)
    assert act.runs == 1


def test_an_act_without_an_answer_to_keep_is_committed_and_frees_the_key(raw: RawClient) -> None:
    def act() -> None:
        recorded()

    assert do_once(KEY, act) is None
    assert (kept(raw), len(list_events().items)) == (0, 1)


def test_a_key_is_free_again_when_its_time_is_over(set_clock: SetClock) -> None:
    act = Act()
    do_once(KEY, act)
    set_clock.moment += KEPT_FOR
    do_once(KEY, act)
    assert act.runs == 1
    set_clock.go(seconds=1)
    again = do_once(Key(KEY.actor, KEY.text, "other"), act)
    assert again == Done(Answer(200, [("X-Run", "2")], b"run 2"), is_repeated=False)
    assert do_once(Key(KEY.actor, KEY.text, "other"), act) == Done(
        Answer(200, [("X-Run", "2")], b"run 2"), is_repeated=True
    )


def test_keys_whose_time_is_over_go_a_few_at_a_time(raw: RawClient, set_clock: SetClock) -> None:
    def another(number: int) -> None:
        do_once(Key("local", f"k{number}", "f"), Act())

    for number in range(SWEPT + 2):
        another(number)
    set_clock.moment += KEPT_FOR + timedelta(seconds=1)
    another(100)
    assert kept(raw) == 2 + 1
    another(101)
    assert kept(raw) == 2


def test_an_answer_too_large_to_be_kept_takes_its_act_back() -> None:
    def act() -> Answer:
        recorded()
        return Answer(200, [], b"x" * (BODY_BYTES_MAX + 1))

    with pytest.raises(ValueError, match="too large to be kept"):
        do_once(KEY, act)
    assert list_events().items == []


def test_of_twins_at_the_same_moment_one_acts_and_all_get_its_answer(ledger_app: Flask) -> None:
    twins = 4
    start, act = Barrier(twins), Act()

    def go(_: int) -> Done | None:
        with ledger_app.app_context():
            start.wait()
            return do_once(KEY, act)

    with ThreadPoolExecutor(twins) as threads:
        done = list(threads.map(go, range(twins)))
    assert act.runs == 1
    assert {found.answer.body for found in done if found} == {b"run 1"}
    assert sorted(found.is_repeated for found in done if found) == [False, True, True, True]


def test_a_twin_of_an_act_that_fails_acts_itself(ledger_app: Flask) -> None:
    start, runs = Barrier(2), []

    def fail_once() -> Answer:
        runs.append(1)
        if len(runs) == 1:
            raise LookupError
        return Answer(200, [], b"")

    def go(_: int) -> str:
        with ledger_app.app_context():
            start.wait()
            try:
                done = do_once(KEY, fail_once)
            except LookupError:
                return "failed"
        return "repeated" if done and done.is_repeated else "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(go, range(2))) == ["done", "failed"]
