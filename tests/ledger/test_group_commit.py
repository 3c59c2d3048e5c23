"""Group commit: writes of a group succeed or fail independently, with results after the commit."""

import re
import threading
import time
from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, OperationalError

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.group_commits import Group, Work, outcome
from tests.fixtures.ledger import RawClient
from tests.fixtures.principals import bearing, form_token, signed_in
from tests.fixtures.users import a_token, a_user, an_administrator
from tests.ledger.audit.tampering import findings
from webapp.accounts import tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.roles import Role
from webapp.authorization import CSRF_HEADER
from webapp.domain.credit import parse_credit
from webapp.domain.errors import AlreadyRetired, LedgerBusy, LedgerUnavailable
from webapp.domain.event import created_event
from webapp.ledger import commands, event_log, group_commit, queries
from webapp.ledger.group_commit import Transaction, commit, precommit_check, transact
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import db

pytestmark = pytest.mark.usefixtures("ledger_app")


def creating(number: int) -> Work:
    return lambda: commands.create_credit(a_credit(serial_number=f"VCS-{number:04}"), LOCAL).credit_id


def serials_of(*credit_ids: object) -> list[str | None]:
    return [queries.credit(str(credit_id)).serial_number for credit_id in credit_ids]


def append_credit(transaction: Transaction, number: int) -> None:
    """Record a credit in a transaction that is open."""
    credit = parse_credit(a_credit(serial_number=f"VCS-{number:04}"))
    created = created_event(credit, LOCAL, event_log.recording_time(transaction))
    event_log.append(transaction, [created], [credit])


def test_waiting_writes_are_committed_in_one_transaction(group: Group) -> None:
    transactions = group.of(*[lambda: commit(lambda transaction: transaction)] * 5)
    assert len({id(transaction) for transaction in transactions}) == 1


def test_a_group_has_a_maximum_size(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GROUP_MAX", {"sqlite": 2, "postgresql": 2})
    transactions = group.of(*[lambda: commit(lambda transaction: transaction)] * 5)
    assert len({id(transaction) for transaction in transactions}) == 3


def test_a_failed_write_of_a_group_rolls_back_only_itself(group: Group) -> None:
    def act(transaction: Transaction) -> None:
        append_credit(transaction, 99)
        raise RuntimeError("a bug")

    first, failed, second = group.of(creating(1), lambda: commit(act), creating(2))
    assert isinstance(failed, RuntimeError)
    assert serials_of(first, second) == ["VCS-0001", "VCS-0002"]
    assert findings() == []


def test_a_search_finds_what_a_group_recorded_and_not_what_was_rolled_back(group: Group) -> None:
    """SQLite's search index is updated once for a group, after its last write."""

    def act(transaction: Transaction) -> None:
        append_credit(transaction, 99)
        raise RuntimeError("a bug")

    first, _, second = group.of(creating(1), lambda: commit(act), creating(2))
    found = list_credits(CreditFilter(q="VCS-00", descending=False)).items
    assert [credit.id for credit in found] == [first, second]


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_the_look_ups_of_a_write_use_no_sequential_scan_on_postgresql() -> None:
    """Without statistics, as of a new ledger, its planner reads all there is: each create took longer."""
    look_up = statements.LOOK_UP["postgresql"].format("?")
    plan = commit(
        lambda transaction: statements.fetch(
            transaction.connection,
            f"EXPLAIN {look_up}",
            '[["verra", "a"]]',
            '[[0, "a", 1, 2]]',
            "[]",
            bytes(32),
        )
    )
    text_of_plan = "\n".join(line for (line,) in plan)
    assert not re.search(r"Seq Scan|Hash Join|Merge Join|Sort", text_of_plan), text_of_plan


def test_a_failed_statement_rolls_back_only_its_own_write(group: Group) -> None:
    def act(transaction: Transaction) -> None:
        append_credit(transaction, 99)
        transaction.connection.execute(text("SELECT no_such_column FROM feed"))

    first, failed, second = group.of(creating(1), lambda: commit(act), creating(2))
    assert isinstance(failed, Exception)
    assert serials_of(first, second) == ["VCS-0001", "VCS-0002"]
    assert findings() == []


def test_a_write_sees_the_result_of_the_previous_write_of_its_group(group: Group) -> None:
    retire = partial(commands.retire_credit, recorded(), {}, LOCAL)
    won, lost = group.of(retire, retire)
    assert isinstance(won, commands.ActionResult)
    assert isinstance(lost, AlreadyRetired)


def test_a_write_does_not_see_what_was_rolled_back(group: Group) -> None:
    def refuse(_connection: Connection) -> None:
        raise LedgerBusy("no longer allowed")

    def with_check() -> object:
        with precommit_check(refuse):
            return commands.create_credit(a_credit(vintage="2022"), LOCAL)

    refused, done = group.of(with_check, lambda: commands.create_credit(a_credit(), LOCAL))
    assert isinstance(refused, LedgerBusy)
    assert isinstance(done, commands.ActionResult)
    assert done.is_new
    assert findings() == []


@pytest.mark.usefixtures("quick_passwords")
def test_a_serial_number_is_free_if_its_creator_lost_the_role_in_the_same_group(
    group: Group, ledger_app: Flask
) -> None:
    ada, ben = an_administrator("Ada"), a_user("Ben", Role.OPERATOR)
    browser, other = signed_in(ledger_app, "Ben"), bearing(a_token())
    headers = {CSRF_HEADER: form_token(browser)}

    def create(vintage: int, headers: dict[str, str]) -> Work:
        credit = a_credit(vintage=vintage)
        return lambda: browser.post("/records", json=credit, headers=headers).status_code

    _, lost, won = group.of(
        lambda: users.change_role(ben.id, Role.VIEWER, ada.actor), create(2021, headers), create(2022, other)
    )
    assert (lost, won) == (403, 201)
    assert [credit.vintage for credit in list_credits(CreditFilter()).items] == [2022]
    assert findings() == []


@pytest.mark.usefixtures("quick_passwords")
def test_a_write_of_a_token_is_rolled_back_if_the_token_is_revoked_in_the_same_group(
    group: Group, ledger_app: Flask
) -> None:
    an_administrator("Ada")
    made = tokens.create("nightly", Role.OPERATOR, CLI)

    def create() -> object:
        answer = ledger_app.test_client().post("/records", json=a_credit(), headers=bearing(made.secret))
        return answer.status_code

    _, answered = group.of(lambda: tokens.revoke(made.token.id, CLI), create)
    assert answered == 401
    commands.create_credit(a_credit(), CLI)
    assert findings() == []


def test_the_first_account_rolls_back_a_pending_write_of_the_local_machine(
    group: Group, ledger_app: Flask
) -> None:
    """The request of the local machine is authorized before the first account exists, and committed after."""
    added, answered = group.of(
        lambda: users.add_first("Ada", "correct horse battery staple", LOCAL).role,
        lambda: ledger_app.test_client().post("/records", json=a_credit()).status_code,
    )
    assert (added, answered) == (Role.ADMINISTRATOR, 401)


def test_an_error_is_raised_only_after_the_commit_of_its_group(group: Group) -> None:
    credit_id = recorded()
    commands.retire_credit(credit_id, {}, LOCAL)
    reached, go_on = threading.Event(), threading.Event()

    def slow(_transaction: Transaction) -> None:
        reached.set()
        assert go_on.wait(30)

    refused = group.add(lambda: commands.retire_credit(credit_id, {}, LOCAL), queued=1)
    group.add(lambda: commit(slow), queued=2)
    group.let_go()
    assert reached.wait(30)
    time.sleep(0.05)
    assert not refused.done()
    go_on.set()
    assert isinstance(outcome(refused), AlreadyRetired)


def test_a_nested_write_raises_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        transact(lambda _: transact(lambda _: None))


def test_a_group_whose_transaction_was_lost_is_run_again_one_by_one(group: Group) -> None:
    """As SQLite does on a full disk. The write that caused it fails again; the others succeed."""

    def act(transaction: Transaction) -> None:
        driver = transaction.connection.connection.driver_connection
        assert driver is not None
        driver.execute("ROLLBACK")
        raise OperationalError("", None, Exception("database or disk is full"))

    first, failed, second = group.of(creating(1), lambda: commit(act), creating(2))
    assert isinstance(failed, LedgerUnavailable)
    assert "nothing was recorded" in str(failed)
    assert serials_of(first, second) == ["VCS-0001", "VCS-0002"]
    assert findings() == []


def test_a_group_whose_commit_failed_is_run_again_one_by_one(group: Group, raw: RawClient) -> None:
    raw.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    deferred = "REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED"
    raw.execute(f"CREATE TABLE notes (thing INTEGER {deferred})")

    def breaks_commit() -> object:
        statement = "INSERT INTO notes VALUES (5)"
        return name_of_error(lambda: transact(lambda connection: connection.exec_driver_sql(statement)))

    first, failed, second = group.of(creating(1), breaks_commit, creating(2))
    assert failed == "IntegrityError"
    assert serials_of(first, second) == ["VCS-0001", "VCS-0002"]


def name_of_error(work: Callable[[], object]) -> object:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - its class is what is asked
        return type(error).__name__


def test_if_no_transaction_can_begin_the_whole_group_fails_at_once(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt may take seconds, for example if a server cannot be reached."""
    begun: list[float] = []

    def refuse(self: object, connection: object) -> None:
        del self, connection
        begun.append(time.monotonic())
        raise OperationalError("", None, psycopg.OperationalError("the server went away"))

    works = [group.add(creating(number), queued=number) for number in (1, 2, 3)]
    monkeypatch.setattr(type(db.engine.dialect), "do_begin", refuse)
    group.let_go()
    refused = [outcome(work) for work in works]
    assert {str(error) for error in refused} == {"The database does not answer."}
    assert len({id(error) for error in refused}) == 3, "threads raise one exception between them"
    assert len(begun) == 1


def test_if_the_outcome_of_a_commit_is_unknown_every_write_of_the_group_says_so(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_answer(self: object, connection: object) -> None:
        del self, connection
        raise OperationalError("", None, psycopg.OperationalError("the connection was lost"))

    works = [group.add(creating(number), queued=number) for number in (1, 2)]
    monkeypatch.setattr(type(db.engine.dialect), "do_commit", lose_the_answer)
    group.let_go()
    for work in works:
        error = outcome(work)
        assert isinstance(error, LedgerUnavailable)
        assert "Check whether it was recorded" in str(error)


def test_after_a_bug_during_a_commit_the_outcome_counts_as_unknown(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bug may occur after the commit; a retry would then run the writes twice."""
    done: list[int] = []

    def fail(self: object, connection: object) -> None:
        del self, connection
        raise RuntimeError("a bug")

    works = [group.add(lambda: commit(lambda _: done.append(1)), queued=number) for number in (1, 2)]
    monkeypatch.setattr(type(db.engine.dialect), "do_commit", fail)
    group.let_go()
    assert [str(outcome(work)) for work in works] == ["a bug"] * 2
    assert len(done) == 2


def test_what_is_recorded_is_never_dated_before_the_last_event(set_clock: SetClock) -> None:
    first = queries.record(recorded()).events[0].recorded_at
    set_clock.go(hours=-1)
    second = queries.record(recorded(serial_number="VCS-0002")).events[0].recorded_at
    assert second == first


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_statement_whose_preparation_was_rolled_back_is_prepared_again() -> None:
    """psycopg prepares a statement on its sixth execution, here within a pipeline that fails before it."""
    counted, failing = "SELECT set_config('ledger.test', '1', true)", "SELECT 1 / (SELECT 0)"

    def sends(*texts: str) -> None:
        def action(connection: Connection) -> None:
            with statements.pipelined(connection):
                for statement in texts:
                    statements.send(connection, statement, [()])

        transact(action)

    for _ in range(3):  # the driver notices only the first of equal statements that roll back
        with pytest.raises(DataError):
            sends(failing)
    for _ in range(5):
        sends(counted)
    with pytest.raises(DataError):
        sends(failing, counted)
    sends(counted)
