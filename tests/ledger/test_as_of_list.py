"""A list as of a day has each credit as it was then."""

import pytest

from tests.fixtures.credits import recorded_with_facts
from tests.ledger.replayed import Log
from tests.ledger.test_as_of import TODAY, RandomHistory
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import Status
from webapp.ledger import as_of, as_of_list, commands
from webapp.ledger.as_of import Cut, Where, types_of

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.mark.parametrize("few", [0, 1000])
def test_a_list_has_each_credit_of_a_replay_once(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_of_list, "_FEW", few)
    monkeypatch.setattr(as_of_list, "_BATCH", 4)
    history = RandomHistory(3)
    for _ in range(80):
        history.go()
    early = as_of.cut()
    for _ in range(60):
        history.go()
    log = Log(early.position)
    for day in (TODAY, TODAY.replace(year=TODAY.year - 1)):
        cut = Cut(day.isoformat(), early.known_at, early.position, "UTC")
        expected = {}
        for credit_id in log.of:
            happened = [seen for seen in log.history(credit_id) if seen.day <= day.isoformat()]
            if happened:
                expected[credit_id] = (happened[-1].type, happened[-1].day)
        listed = list(as_of_list.every_standing(cut))
        assert {each.id: (each.event_type, each.happened_on) for each in listed} == expected
        assert len(listed) == len(expected)


def test_a_list_is_limited_to_the_cells_asked_for() -> None:
    kept = recorded_with_facts({}, serial_number="S-1", vintage="2020")
    recorded_with_facts({}, serial_number="S-2", vintage="2021")
    gone = recorded_with_facts({}, serial_number="S-3", vintage="2020")
    commands.retire_credit(gone, {"beneficiary": "Zoë"}, LOCAL)
    now = as_of.cut()
    active = Where(last_vintage=2020, types=types_of(Status.ACTIVE))
    assert [each.id for each in as_of_list.list_standings(now, active).items] == [kept]
    (retired,) = as_of_list.list_standings(now, Where(parties=("zoë",))).items
    assert (retired.id, retired.party, retired.status) == (gone, "Zoë", Status.RETIRED)
