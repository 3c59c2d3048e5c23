"""The figures of the dashboard that are carried on from event to event are those that are added up anew."""

from datetime import timedelta

import pytest

from tests.ledger.test_as_of import TODAY, RandomHistory
from webapp.ledger import as_of, overview

pytestmark = pytest.mark.usefixtures("ledger_app")


def figures(day: str | None) -> tuple[object, object]:
    cut = as_of.cut(day)
    return overview.held_at(cut), overview.history_at(cut)


@pytest.mark.parametrize("day", [None, (TODAY - timedelta(days=90)).isoformat()])
def test_figures_after_each_event_are_those_added_up_anew(day: str | None) -> None:
    history = RandomHistory(5)
    for _ in range(60):
        history.go()
        carried_on = figures(day)
        kept = overview.kept_sums.copy()
        overview.kept_sums.clear()
        assert figures(day) == carried_on
        overview.kept_sums.update(kept)


def test_a_process_has_the_figures_before_somebody_asks() -> None:
    RandomHistory(5).go()
    cut = as_of.cut()
    overview.kept_sums.clear()
    overview.prepare(cut.time_zone)
    prepared = {key: kept.position for key, kept in overview.kept_sums.items()}
    overview.history_at(cut)
    assert {key: kept.position for key, kept in overview.kept_sums.items()} == prepared != {}
