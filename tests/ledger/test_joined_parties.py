"""Names of a party are joined by a person, as entries of the log, and separated again."""

from pathlib import Path

import pytest

from tests.fixtures.credits import recorded
from tests.fixtures.entries import entered, joined
from tests.fixtures.ledger import MakeDatabase, RawClient, opened
from tests.ledger.audit.tampering import findings
from tests.ledger.invariants import assert_sound, derived
from webapp.accounts.actors import LOCAL
from webapp.domain.entry import EntryType
from webapp.domain.errors import InvalidFields
from webapp.ledger import archive, as_of, event_log, parties
from webapp.ledger.commands import retire_credit, sell_credit
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.projections.joined_names import (
    party_names,
    party_names_at,
    registry_names,
    registry_names_at,
)
from webapp.ledger.storage.engine import reading

AG, DOTTED = "Hilltop Tools AG", "HILLTOP TOOLS A.G."
NAMES = {"party": AG, "name": DOTTED}


def two_spellings() -> None:
    """Record a retirement for one spelling and a sale to the other."""
    retire_credit(recorded(), {"beneficiary": AG}, LOCAL)
    sell_credit(recorded(serial_number="VCS-0002"), {"buyer": DOTTED}, LOCAL)


def groups() -> dict[str, str]:
    with reading() as connection:
        return dict(party_names(connection))


@pytest.mark.usefixtures("ledger_app")
def test_a_name_is_joined_to_a_party_and_separated_again() -> None:
    two_spellings()
    change = parties.join_names({"party": "hilltop tools ag", "name": "Hilltop Tools a.g."}, LOCAL)
    assert (change.main, change.alias) == (AG, DOTTED)
    assert groups() == {"hilltop tools a.g.": "hilltop tools ag"}
    assert_sound()
    parties.separate_names(NAMES, LOCAL)
    assert groups() == {}
    assert_sound()


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize(
    ("party", "name", "field"),
    [
        (AG, AG, "name"),
        (AG, DOTTED, "name"),
        (DOTTED, AG, "name"),
        ("Zoë", AG, "name"),
        ("Zoë", DOTTED, "name"),
        (AG, "Nobody", "name"),
        ("Nobody", "Zoë", "party"),
        (AG, "", "name"),
    ],
)
def test_a_name_belongs_to_one_party_that_an_event_names(party: str, name: str, field: str) -> None:
    two_spellings()
    retire_credit(recorded(serial_number="VCS-0003"), {"beneficiary": "Zoë"}, LOCAL)
    parties.join_names(NAMES, LOCAL)
    with pytest.raises(InvalidFields) as refused:
        parties.join_names({"party": party, "name": name}, LOCAL)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.usefixtures("ledger_app")
def test_joined_names_are_told_as_of_a_position() -> None:
    two_spellings()
    at = joined("hilltop tools ag", DOTTED).position
    entered("party/hilltop tools ag", EntryType.SEPARATED, {"name": DOTTED})
    entered("registry/vcs", EntryType.ALIASED, {"alias": "Verra"})
    with reading() as connection:
        assert [dict(party_names_at(connection, position)) for position in (at - 1, at, at + 1)] == [
            {},
            {"hilltop tools a.g.": "hilltop tools ag"},
            {},
        ]
        assert registry_names_at(connection, at + 1).main_of == {}
        assert registry_names_at(connection, at + 2) == registry_names(connection)


@pytest.mark.usefixtures("ledger_app")
def test_sums_by_registry_and_party_are_those_of_all_joined_names_at_the_cut() -> None:
    two_spellings()
    before = as_of.cut()
    parties.join_names(NAMES, LOCAL)
    recorded(registry="Verra", serial_number="VCS-0003")
    entered("registry/vcs", EntryType.ALIASED, {"alias": "Verra"})
    joined_where = as_of.Where.named(party=DOTTED), as_of.Where.named(registry="verra")
    found = [as_of.balances(as_of.cut(), ["registry", "party"], where) for where in joined_where]
    ag, nobody = ("vcs", "hilltop tools ag"), ("vcs", "")
    assert found == [[(ag, 2, 2_000_000)], [(nobody, 1, 1_000_000), (ag, 2, 2_000_000)]]
    assert as_of.balances(before, ["party"], joined_where[0]) == [(("hilltop tools a.g.",), 1, 1_000_000)]


@pytest.mark.usefixtures("ledger_app")
def test_an_entry_that_cannot_follow_changes_nothing_and_is_a_finding() -> None:
    two_spellings()
    joined("hilltop tools ag", DOTTED)
    at = joined("hilltop tools a.g.", "Other").position
    assert findings() == [
        f"position {at}: it joins Other to hilltop tools a.g., but one of them is an alias or has one already"
    ]
    live = derived()
    archive.rebuild()
    assert derived() == live


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("DELETE FROM party_aliases", "this row is missing"),
        ("UPDATE party_aliases SET party_key = 'x'", "party_key is x, but the log gives hilltop tools ag"),
        ("INSERT INTO party_aliases VALUES ('x', 'y', 'X')", "the log does not give this row"),
    ],
)
def test_verify_names_a_wrong_row_of_a_joined_name(raw: RawClient, change: str, finding: str) -> None:
    two_spellings()
    parties.join_names(NAMES, LOCAL)
    raw.execute(change)
    (found,) = findings()
    assert found.startswith("table party_aliases, ")
    assert finding in found


def test_joined_names_are_restored_from_an_archive(
    database_url: str, dialect: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.ndjson"
    with opened(database_url):
        two_spellings()
        parties.join_names(NAMES, LOCAL)
        archive.export_to(path)
        live = derived()
    with opened(make_database(dialect)):
        archive.restore(path)
        assert derived() == live
        assert_sound()


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize("subject", ["registry/verra", "import/1", "party/"])
def test_a_joined_name_is_about_a_party(subject: str) -> None:
    def action(transaction: Transaction) -> None:
        event_log.append_entry(transaction, subject, EntryType.JOINED, {"name": "x"}, LOCAL)

    with pytest.raises(InvalidFields):
        commit(action)
