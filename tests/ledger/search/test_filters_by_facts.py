"""Lists are filtered by facts, by an import, and by all names of a registry."""

from dataclasses import replace

import pytest

from tests.fixtures.credits import a_credit, recorded, retired, sold
from tests.fixtures.entries import recorded_by_import
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.event import created_event
from webapp.domain.lifecycle import Status
from webapp.ledger import event_log, parties, registries
from webapp.ledger.commands import amend_credit, retire_credit, reverse_sale, sell_credit, split_credit
from webapp.ledger.facets import facets_of
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.listing import list_credits, sum_credits
from webapp.ledger.queries import record
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")


def with_facts(import_number: str | None = None, **facts: str) -> str:
    """Record a credit with facts; return its id."""
    credit = replace(parse_credit(a_credit()), facts=facts)

    def action(transaction: Transaction) -> str:
        at = event_log.recording_time(transaction)
        event_log.append(transaction, [created_event(credit, LOCAL, at, import_number)], [credit])
        return credit.id

    return commit(action)


def found(**wanted: object) -> list[str]:
    """Return the ids of the credits of a filter, whose sums must be theirs."""
    asked = CreditFilter(**wanted)  # type: ignore[arg-type]
    items = list_credits(asked).items
    assert sum_credits(asked).all.credits == len([item for item in items if item.status != "WITHDRAWN"])
    return [item.id for item in items]


def test_a_fact_finds_the_lots_of_the_credit_that_states_it() -> None:
    whole = with_facts(project_id="VCS 1502", country="Kenya")
    recorded(serial_number="other")
    assert found(project_id="vcs 1502") == [whole]
    lots = split_credit(whole, {"quantities": ["1", "99"]}, LOCAL).lot_ids
    assert found(project_id="VCS 1502", country="KENYA") == lots[::-1]
    assert found(project_type="Forest") == found(country="Peru") == []
    assert_sound()


def test_an_amendment_of_a_credit_changes_the_facts_of_its_lots() -> None:
    whole = with_facts(country="Kenya")
    first, second = split_credit(whole, {"quantities": ["1", "99"]}, LOCAL).lot_ids
    amend_credit(second, {"amends": 1, "facts": {"country": "Peru"}}, LOCAL)
    amend_credit(whole, {"amends": 1, "facts": {"country": "Chile"}}, LOCAL)
    assert (found(country="Chile"), found(country="Peru"), found(country="Kenya")) == ([first], [second], [])
    amend_credit(second, {"amends": 1, "facts": {"country": ""}}, LOCAL)
    assert found(country="Peru") == []
    assert_sound()


def test_an_import_finds_its_credits_and_their_lots() -> None:
    whole = with_facts("7", country="Kenya")
    recorded(serial_number="other")
    ended = recorded_by_import("8", serial_number="ended")
    lots = split_credit(whole, {"quantities": ["1", "99"]}, LOCAL).lot_ids
    assert found(import_number=7) == lots[::-1]
    assert found(import_number=8, statuses=(Status.WITHDRAWN,)) == [ended]
    assert found(import_number=9) == []
    assert_sound()


def test_a_registry_and_a_search_find_the_credits_under_all_of_its_names() -> None:
    short, long = recorded(registry="GS"), recorded(registry="Gold Standard", serial_number="2")
    recorded(registry="VCS", serial_number="3")
    assert found(registries=("GS",)) == found(q="gs") == [short]
    registries.join_names({"registry": "Gold Standard", "alias": "GS"}, LOCAL)
    for wanted in (
        {"registries": ("gs",)},
        {"registries": ("GOLD standard",)},
        {"q": "gold standard"},
        {"q": "gs"},
    ):
        assert found(**wanted) == [long, short], wanted
    assert found(registries=("gs",), q="gold 2") == [long]


def test_a_party_and_a_day_are_those_of_the_act_that_stands_as_amended() -> None:
    credit_id = recorded()
    sell_credit(credit_id, {"buyer": "Acme", "occurred_on": "2025-01-31"}, LOCAL)
    assert found(parties=("ACME",), happened_to="2025-01-31") == [credit_id]
    amend_credit(credit_id, {"amends": 2, "buyer": "Acme AG", "occurred_on": "2025-02-01"}, LOCAL)
    assert found(parties=("Acme AG",), happened_from="2025-02-01") == [credit_id]
    assert found(parties=("Acme",)) == found(happened_to="2025-01-31") == []
    retire_credit(credit_id, {"beneficiary": "Zoë", "occurred_on": "2025-03-01"}, LOCAL)
    amend_credit(credit_id, {"amends": 2, "buyer": "Other", "occurred_on": "2025-02-02"}, LOCAL)
    assert found(parties=("other", "Acme AG")) == []
    assert found(parties=("zoë",), happened_from="2025-03-01", happened_to="2025-03-01") == [credit_id]
    assert_sound()


def test_a_reversed_sale_has_no_party_and_a_day_that_is_not_stated_is_that_of_the_recording() -> None:
    reversed_id, credit_id = sold(serial_number="1"), retired(serial_number="2")
    reverse_sale(reversed_id, {"reason": "Not paid"}, LOCAL)
    today = record(credit_id).events[-1].recorded_at[:10]
    assert found(parties=("Acme Airlines",)) == [credit_id]
    assert found(happened_from=today, happened_to=today) == [credit_id]
    assert_sound()


def test_names_joined_to_a_party_find_its_credits_and_are_counted_as_one() -> None:
    ids = [recorded(serial_number=f"S-{number}") for number in range(3)]
    for credit_id, name in zip(ids, ("Acme", "ACME A.G.", "Other"), strict=True):
        retire_credit(credit_id, {"beneficiary": name}, LOCAL)
    assert found(parties=("Acme",)) == ids[:1]
    parties.join_names({"party": "Acme", "name": "ACME A.G."}, LOCAL)
    assert found(parties=("acme a.g.",)) == found(parties=("Acme",)) == [ids[1], ids[0]]
    choices = facets_of(CreditFilter(parties=("acme a.g.",))).parties
    assert [(choice.value, choice.credits) for choice in choices] == [("Acme", 2), ("Other", 1)]
