"""Somebody else records the same credit between two looks of one act, as PostgreSQL shows each commit."""

from typing import Any

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.domain.errors import CreditMoved, LedgerBusy
from webapp.domain.import_file import parse_row
from webapp.ledger import commands, import_decisions, log
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import create_credit, retire_credit, sell_credit
from webapp.ledger.database import reading
from webapp.ledger.import_decisions import Outcome, decide

pytestmark = pytest.mark.usefixtures("ledger_app")

ROW = '{"project_name": "Mangrove Restoration Project", "registry": "VCS", "vintage": 2023, "quantity": 100'


def test_a_credit_does_not_conflict_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    credit_id = recorded()
    looks = [None]  # the first look came too early

    def last_event(*arguments: Any) -> log.Last | None:  # noqa: ANN401 - as they come
        return looks.pop() if looks else look(*arguments)

    look = log.last_event
    monkeypatch.setattr(log, "last_event", last_event)
    assert create_credit(a_credit(), LOCAL) == commands.Recorded(credit_id, is_new=False)


def test_an_act_that_was_overtaken_does_not_follow_what_its_client_never_saw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credit_id = recorded()
    with reading() as connection:
        looks = [log.last_event(connection, credit_id)]  # the first look comes before the sale
    sell_credit(credit_id, {}, LOCAL)

    def last_event(*arguments: Any) -> log.Last | None:  # noqa: ANN401 - as they come
        return looks.pop() if looks else look(*arguments)

    look = log.last_event
    monkeypatch.setattr(log, "last_event", last_event)
    with pytest.raises(CreditMoved) as refusal:
        retire_credit(credit_id, {}, LOCAL, after={1})
    assert refusal.value.seq == 2
    assert looks == []


def test_a_row_does_not_conflict_with_its_own_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    row = parse_row(1, ROW + ', "serial_number": "VCS-0001"}')
    monkeypatch.setattr(import_decisions, "_statuses", lambda *_: {})
    with reading() as connection:
        assert [item.outcome for item in decide(connection, [row])] == [Outcome.EXISTING]


def test_a_writer_that_gives_up_leaves_the_reason_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorded()
    monkeypatch.setattr(log, "last_event", lambda *_: None)  # every look comes too early
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(LedgerBusy):
        create_credit(a_credit(), LOCAL)
    assert "Gave up after 6 attempts" in caplog.text
    assert "ledger: " in caplog.text
