"""After an alias is confirmed, a serial number that is held under one name of a registry is under all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from flask import Flask

from tests.fixtures.credits import a_credit, recorded, retired
from tests.fixtures.entries import aliased, entered
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import findings
from tests.ledger.invariants import assert_sound, derived
from tests.ledger.triggers.rows import REFUSALS
from webapp.accounts.actors import LOCAL
from webapp.domain.entry import EntryType
from webapp.domain.errors import AliasInUse, InvalidFields, SerialHeld, UnitesCredits
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.ledger import archive, registries
from webapp.ledger.act_selection import Portion
from webapp.ledger.acts_on_many import ActRequest, plan_act
from webapp.ledger.commands import cancel_credit, create_credit, split_credit
from webapp.ledger.name_changes import NameChange

pytestmark = pytest.mark.usefixtures("ledger_app")


def separated(registry: str, alias: str) -> None:
    """Append the entry that separates a name from a registry."""
    entered(f"registry/{registry}", EntryType.UNALIASED, {"alias": alias})


def under(registry: str, serial_number: str = "S-1", **changes: object) -> str:
    """Record a credit of a registry; return its id."""
    return recorded(registry=registry, serial_number=serial_number, **changes)


@pytest.mark.parametrize(("held", "asked"), [("Gold Standard", "GS"), ("GS", "Gold Standard")])
def test_a_serial_number_under_one_name_is_held_under_the_other(held: str, asked: str) -> None:
    holder = under(held)
    aliased("gold standard", "GS")
    with pytest.raises(SerialHeld) as refused:
        create_credit(a_credit(registry=asked, serial_number="S-1"), LOCAL)
    assert refused.value.holder == holder
    assert_sound()


def test_of_two_credits_that_an_alias_unites_the_first_holds_and_verify_names_the_second() -> None:
    first, second = under("GS"), under("Gold Standard")
    aliased("gold standard", "GS")
    finding = f"credit {second}: its serial number is held by {first}, under another name of its registry"
    assert findings() == [finding]
    live = derived()
    archive.rebuild()
    assert derived() == live
    cancel_credit(second, {"reason": "Twice"}, LOCAL)
    assert_sound()


def test_when_the_first_is_void_the_second_holds_the_serial_number() -> None:
    first, second = under("GS"), under("Gold Standard")
    aliased("gold standard", "GS")
    cancel_credit(first, {"reason": "Twice"}, LOCAL)
    with pytest.raises(SerialHeld) as refused:
        create_credit(a_credit(registry="gs", serial_number="S-1", quantity="2"), LOCAL)
    assert refused.value.holder == second
    assert_sound()


def test_two_retired_credits_stay_a_finding() -> None:
    retired(registry="GS", serial_number="S-1")
    retired(registry="Gold Standard", serial_number="S-1")
    aliased("gold standard", "GS")
    assert len(findings()) == 1


def test_after_an_alias_is_undone_the_names_are_two_registries_again() -> None:
    under("GS")
    aliased("gold standard", "GS")
    separated("gold standard", "GS")
    under("Gold Standard")
    assert_sound()


def join(registry: str, alias: str, *, seen: str | None = None, accepts_pairs: bool = False) -> NameChange:
    values = {"registry": registry, "alias": alias}
    return registries.join_names(values, LOCAL, seen=seen, accepts_pairs=accepts_pairs)


def separate(registry: str, alias: str) -> NameChange:
    return registries.separate_names({"registry": registry, "alias": alias}, LOCAL)


def test_an_alias_shows_the_pairs_that_it_unites_and_asks_to_accept_them() -> None:
    first, second = under("GS"), under("Gold Standard")
    alike = under("GS", "", vintage="2020"), under("Gold Standard", "", vintage="2020")
    union = registries.union_of({"registry": "gold standard", "alias": "GS"})
    assert [(pair.first.id, pair.second.id) for pair in union.held] == [(first, second)]
    assert [(pair.first.id, pair.second.id) for pair in union.alike] == [alike]
    with pytest.raises(UnitesCredits):
        join("Gold Standard", "GS")
    with pytest.raises(UnitesCredits):
        join("Gold Standard", "GS", accepts_pairs=True, seen="other")
    join("Gold Standard", "GS", accepts_pairs=True, seen=union.seen)
    assert [credit.id for credit in registries.same_serial_number(second)] == [first]
    assert [credit.id for credit in registries.same_serial_number(first)] == [second]


def test_an_alias_is_undone_only_while_it_stands_between_no_two_credits() -> None:
    _, second = under("GS"), under("Gold Standard")
    join("Gold Standard", "GS", accepts_pairs=True)
    with pytest.raises(AliasInUse):
        separate("Gold Standard", "GS")
    cancel_credit(second, {"reason": "Twice"}, LOCAL)
    separate("Gold Standard", "GS")
    under("Gold Standard", quantity="2")
    assert_sound()


@pytest.mark.parametrize(
    ("registry", "alias"),
    [("GS", "gs"), ("GS", "Gold Standard"), ("Gold Standard", "GS"), ("VCS", "GS"), ("VCS", "Gold Standard")],
)
def test_a_name_belongs_to_one_registry(registry: str, alias: str) -> None:
    under("VCS"), under("Gold Standard", "S-2")
    join("Gold Standard", "GS")
    with pytest.raises(InvalidFields):
        join(registry, alias)


def test_registries_are_listed_with_their_aliases_and_sums() -> None:
    under("GS"), under("Gold Standard", "S-2")
    join("Gold Standard", "GS")
    found = registries.list_registries()
    assert [(each.name, each.alias_of, each.aliases) for each in found] == [
        ("Gold Standard", None, ["GS"]),
        ("GS", "Gold Standard", []),
    ]
    assert [each.sums["ACTIVE"].credits for each in found] == [1, 1]


@pytest.mark.parametrize("name", ["gs", "gold standard"])
def test_the_database_refuses_a_second_claim_under_any_name(raw: RawClient, name: str) -> None:
    under("GS"), under("Gold Standard", "S-2"), under("VCS")
    join("Gold Standard", "GS")
    for change in (
        f"INSERT INTO serial_claims (registry_key, serial_key, credit) VALUES ('{name}', 's-1', 99)",
        f"UPDATE serial_claims SET registry_key = '{name}' WHERE registry_key = 'vcs'",
    ):
        with pytest.raises(REFUSALS):
            raw.execute(change)
    assert_sound()


def test_an_entry_that_cannot_follow_changes_nothing_and_is_a_finding() -> None:
    under("GS"), under("Gold Standard", "S-2")
    aliased("gold standard", "GS")
    aliased("gs", "VCS")
    separated("gold standard", "VCS")
    assert [line.partition(":")[0] for line in findings()] == ["position 4", "position 5"]
    assert registries.list_registries()[0].aliases == ["GS"]


def test_a_credit_is_recorded_before_or_refused_after_an_alias_that_is_joined_at_once(
    ledger_app: Flask,
) -> None:
    def within(act: Callable[[], object]) -> object:
        with ledger_app.app_context():
            try:
                return act()
            except SerialHeld as refused:
                return refused

    expected = 0
    with ThreadPoolExecutor(2) as pool:
        for number in range(24):
            own, alias = f"Own {number}", f"Alias {number}"
            holder = under(own)
            acts = [partial(under, alias), partial(join, own, alias, accepts_pairs=True)]
            results = list(pool.map(within, acts if number % 2 else acts[::-1]))
            (created,) = (each for each in results if not isinstance(each, NameChange))
            if isinstance(created, SerialHeld):
                assert created.holder == holder
            else:
                assert [other.id for other in registries.same_serial_number(str(created))] == [holder]
                expected += 1
    assert len(findings()) == expected
    live = derived()
    archive.rebuild()
    assert derived() == live


def test_lots_of_two_united_credits_have_one_serial_number_until_one_of_them_is_void() -> None:
    first, second = under("GS"), under("Gold Standard")
    join("Gold Standard", "GS", accepts_pairs=True)
    _, others = (split_credit(each, {"quantities": ["30", "70"]}, LOCAL).lot_ids for each in (first, second))
    assert len(findings()) == 1
    live = derived()
    archive.rebuild()
    assert derived() == live
    for lot in others:
        cancel_credit(lot, {"reason": "Twice"}, LOCAL)
    assert_sound()
    separate("Gold Standard", "GS")
    assert_sound()


def test_a_lot_of_a_credit_whose_serial_number_another_one_has_leads_to_the_other() -> None:
    first, second = under("GS"), under("Gold Standard")
    aliased("gold standard", "GS")
    lots = split_credit(first, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert [[each.id for each in registries.same_serial_number(lot)] for lot in lots] == [[second], [second]]
    assert [each.id for each in registries.same_serial_number(second)] == [first]
    assert registries.same_serial_number(under("VCS")) == []


def test_an_act_that_retires_two_credits_with_one_serial_number_says_so() -> None:
    first, second = under("GS"), under("Gold Standard")
    portions = [Portion(first, 40 * E4), Portion(second), Portion(under("VCS"))]
    assert plan_act(ActRequest(EventType.RETIRED, portions, {})).warnings == []
    aliased("gold standard", "GS")
    (warning,) = plan_act(ActRequest(EventType.RETIRED, portions, {})).warnings
    assert warning.startswith("2 of these credits have serial numbers that other credits have")
    assert plan_act(ActRequest(EventType.SOLD, portions, {})).warnings == []
    cancel_credit(second, {"reason": "Twice"}, LOCAL)
    assert plan_act(ActRequest(EventType.RETIRED, portions[:1], {})).warnings == []
