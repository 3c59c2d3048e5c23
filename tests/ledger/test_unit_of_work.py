"""A transaction inside a transaction joins it: what many acts do is committed together, or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient
from webapp.domain.errors import AlreadyRetired, UnknownCredit
from webapp.domain.lifecycle import Status
from webapp.ledger import imports, queries
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import create_credit, retire_credit, sell_credit
from webapp.ledger.database import ATTEMPTS, reading, transact
from webapp.ledger.imports import State
from webapp.ledger.lists import list_events

pytestmark = pytest.mark.usefixtures("ledger_app")


class Interrupted(Exception):
    """Something else went wrong after the act."""


def test_what_several_acts_wrote_is_taken_back_together() -> None:
    def both(_: Connection) -> None:
        recorded()
        recorded(serial_number="VCS-0002")
        raise Interrupted

    with pytest.raises(Interrupted):
        transact(both)
    assert list_events().items == []


def test_nobody_else_sees_what_is_not_committed_yet(raw: RawClient) -> None:
    def act(_: Connection) -> list[tuple[object, ...]]:
        recorded()
        return raw.execute("SELECT count(*) FROM events")

    assert transact(act) == [(0,)]
    assert raw.execute("SELECT count(*) FROM events") == [(1,)]


def test_a_reader_inside_sees_what_was_just_written() -> None:
    def act(_: Connection) -> Status:
        return queries.record(recorded()).credit.status

    assert transact(act) is Status.ACTIVE


def test_a_refused_act_takes_back_its_own_and_leaves_the_others() -> None:
    def act(connection: Connection) -> None:
        def half(inner: Connection) -> None:
            inner.execute(text("INSERT INTO registries (registry_key, name) VALUES ('x', 'X')"))
            raise UnknownCredit("0")

        recorded()
        with pytest.raises(UnknownCredit):
            transact(half)
        assert connection.scalar(text("SELECT count(*) FROM registries WHERE registry_key = 'x'")) == 0

    transact(act)
    assert len(list_events().items) == 1


def test_a_lost_race_runs_everything_again() -> None:
    credit_id, runs = recorded(), []

    def both(_: Connection) -> str:
        runs.append(recorded(serial_number="VCS-0002"))
        if len(runs) == 1:  # as if the act below had been overtaken
            _break_a_constraint()
        sell_credit(credit_id, {}, LOCAL)
        return runs[-1]

    new_id = transact(both)
    assert runs == [new_id, new_id]
    assert len(queries.record(credit_id).events) == 2
    assert len(queries.record(new_id).events) == 1


def _break_a_constraint() -> None:
    def act(connection: Connection) -> None:
        for _ in range(2):
            connection.execute(text("INSERT INTO registries (registry_key, name) VALUES ('x', 'X')"))

    transact(act)


def test_of_two_that_retire_in_larger_transactions_one_decides_again(ledger_app: Flask) -> None:
    credit_id = recorded()

    def retire(serial_number: str) -> bool:
        def act(_: Connection) -> None:
            recorded(serial_number=serial_number)
            retire_credit(credit_id, {}, LOCAL)

        with ledger_app.app_context():
            try:
                transact(act)
            except AlreadyRetired:
                return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(retire, ["VCS-0002", "VCS-0003"])) == [False, True]
    assert len(list_events().items) == 3


def test_a_file_is_received_and_written_in_one_transaction(raw: RawClient) -> None:
    content = b'[{"project_name": "P", "registry": "GS", "vintage": 2020, "quantity": 1}]'

    def act(_: Connection) -> State:
        import_id = imports.receive(content, "file.json", LOCAL)
        assert imports.write(import_id, actor=LOCAL).written == 1
        assert raw.execute("SELECT count(*) FROM imports") == [(0,)]
        return imports.find(import_id).state

    assert transact(act) is State.DONE
    assert raw.execute("SELECT count(*) FROM events") == [(1,)]


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_record_read_after_an_act_cannot_change_until_the_commit(raw: RawClient) -> None:
    credit_id = recorded()

    def act(_: Connection) -> int:
        create_credit(a_credit(), LOCAL)  # is there already, so nothing is appended
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        before = raw.execute(held)
        queries.record(credit_id)
        assert before == [(0,)]
        return int(raw.execute(held)[0][0])

    assert transact(act) == 1


def test_after_the_transaction_everything_is_as_before() -> None:
    transact(lambda _: None)
    with reading() as first, reading() as second:
        assert first is not second


def test_a_lost_race_is_not_run_again_by_itself_inside_another() -> None:
    runs = 0

    def inner(_: Connection) -> None:
        nonlocal runs
        runs += 1
        _break_a_constraint()

    with pytest.raises(Exception, match="try again"):
        transact(lambda _: transact(inner))
    assert runs == ATTEMPTS
