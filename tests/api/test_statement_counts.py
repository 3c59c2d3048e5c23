"""The number of SQL commands that a request sends to SQLite, without transaction control."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from tests.fixtures.blocks import a_block
from tests.fixtures.credits import a_credit, recorded, sold
from tests.fixtures.principals import bearing, form_token, signed_in
from tests.fixtures.users import a_token, a_user
from webapp.accounts.actors import LOCAL
from webapp.ledger import idempotency_store
from webapp.ledger.commands import correct_credit, split_credit
from webapp.ledger.storage.engine import db

pytestmark = pytest.mark.usefixtures("quick_passwords")

CREATE_MAX = 12
READ_MAX = 6
KEY_MAX = ACCOUNT_MAX = 2
CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})

Send = Callable[[], TestResponse]


@pytest.fixture
def dialect() -> str:
    """Count on SQLite, which reports every statement, however it was sent."""
    return "sqlite"


class Trace:
    """The statements that were sent to the database, by request."""

    def __init__(self) -> None:
        self._sent: list[str] = []

    def note(self, statement: str) -> None:
        self._sent.append(statement)

    def of(self, send: Send) -> list[str]:
        """Send a request, which must succeed, and return the first word of each of its statements."""
        self._sent.clear()
        answer = send()
        assert answer.status_code < 300, answer.text
        # SQLite reports a statement again, or a comment, for each statement of its triggers.
        once = [statement for statement, _ in groupby(self._sent) if not statement.startswith("--")]
        return [statement.partition(" ")[0] for statement in once]

    def commands(self, send: Send) -> int:
        """Send a request, and return the number of its statements without transaction control."""
        return sum(word not in CONTROL for word in self.of(send))


@pytest.fixture
def trace(ledger_app: Flask) -> Iterator[Trace]:
    """Trace every connection of the application from its start."""
    del ledger_app
    trace, engine = Trace(), db.engine

    def listen(connection: object, _record: object) -> None:
        connection.set_trace_callback(trace.note)  # type: ignore[attr-defined]

    engine.dispose()
    event.listen(engine, "connect", listen)
    yield trace
    event.remove(engine, "connect", listen)


def creating(client: FlaskClient, headers: Mapping[str, str], **values: object) -> Send:
    return lambda: client.post("/records", json=a_credit(**values), headers=headers)


def reading(client: FlaskClient, record_id: str, headers: Mapping[str, str]) -> Send:
    return lambda: client.get(f"/records/{record_id}", headers=headers)


def of_this_machine(app: Flask) -> tuple[FlaskClient, dict[str, str]]:
    return app.test_client(), {}


def with_a_token(app: Flask) -> tuple[FlaskClient, dict[str, str]]:
    return app.test_client(), bearing(a_token())


def with_a_session(app: Flask) -> tuple[FlaskClient, dict[str, str]]:
    a_user("Oscar")
    client = signed_in(app, "Oscar")
    return client, {"X-CSRFToken": form_token(client)}


@pytest.mark.parametrize(
    "values",
    [{"serial_number": None}, {"serial_number": "VCS-0002"}, {"serial_number": "VCS 2"}, a_block()],
    ids=["no number", "text", "one number", "block"],
)
def test_a_create_sends_at_most_12_commands(
    client: FlaskClient, trace: Trace, values: Mapping[str, object]
) -> None:
    creating(client, {})()
    assert trace.commands(creating(client, {}, **values)) <= CREATE_MAX


def test_a_create_begins_no_transaction_but_that_of_its_group(client: FlaskClient, trace: Trace) -> None:
    creating(client, {})()
    assert trace.of(creating(client, {}, serial_number="VCS-0002")).count("BEGIN") == 1


def test_a_key_adds_at_most_2_commands_to_a_create(
    client: FlaskClient, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every hundredth key also deletes expired ones; that is not counted here."""
    monkeypatch.setattr(idempotency_store, "_sweeps", idempotency_store._Sweeps())
    creating(client, {})()
    without = trace.commands(creating(client, {}, serial_number="VCS-0002"))
    key = {"Idempotency-Key": "k"}
    assert trace.commands(creating(client, key, serial_number="VCS-0003")) - without <= KEY_MAX


@pytest.mark.parametrize("account", [with_a_token, with_a_session])
def test_an_account_adds_at_most_2_commands_to_a_create(
    ledger_app: Flask, trace: Trace, account: Callable[[Flask], tuple[FlaskClient, dict[str, str]]]
) -> None:
    client, headers = of_this_machine(ledger_app)
    creating(client, headers)()
    without = trace.commands(creating(client, headers, serial_number="VCS-0002"))
    client, headers = account(ledger_app)
    creating(client, headers)()  # the first request notes that the token is in use
    assert trace.commands(creating(client, headers, serial_number="VCS-0003")) - without <= ACCOUNT_MAX


def a_lot_of_a_sold_record() -> str:
    return split_credit(sold(), {"quantities": ["40", "60"]}, LOCAL).lot_ids[0]


def a_split_record() -> str:
    credit_id = recorded()
    split_credit(credit_id, {"quantities": ["1"] * 100}, LOCAL)
    return credit_id


def a_replaced_record() -> str:
    credit_id = recorded()
    correct_credit(credit_id, a_credit(vintage="2022"), {"reason": "wrong"}, LOCAL)
    return credit_id


@pytest.mark.parametrize("account", [of_this_machine, with_a_token, with_a_session])
@pytest.mark.parametrize("make", [recorded, sold, a_lot_of_a_sold_record, a_split_record, a_replaced_record])
def test_a_read_sends_at_most_6_commands_in_one_transaction(
    ledger_app: Flask,
    trace: Trace,
    make: Callable[[], str],
    account: Callable[[Flask], tuple[FlaskClient, dict[str, str]]],
) -> None:
    record_id = make()
    client, headers = account(ledger_app)
    read = reading(client, record_id, headers)
    read()
    assert trace.commands(read) <= READ_MAX
    assert trace.of(read).count("BEGIN") == 1


@pytest.mark.parametrize("lots", [2, 100])
def test_a_repeated_split_sends_the_same_number_of_commands_for_any_number_of_lots(
    client: FlaskClient, trace: Trace, lots: int
) -> None:
    record_id = recorded()
    quantities = [1] * (lots - 1) + [101 - lots]

    def send() -> TestResponse:
        return client.post(
            f"/records/{record_id}/split", json={"quantities": quantities}, headers={"Idempotency-Key": "k"}
        )

    send()
    assert trace.commands(send) == 7
