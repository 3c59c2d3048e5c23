"""What was sold to parties and retired for them, and the acts that did it."""

import pytest

from tests.fixtures.credits import acted, recorded, recorded_with_facts
from tests.fixtures.entries import aliased
from tests.ledger.audit.tampering import findings
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import UnknownParty, UnknownProject
from webapp.domain.lifecycle import EventType
from webapp.ledger import acts, as_of, parties, party_figures, projects
from webapp.ledger.act_lines import ActLines, act_lines
from webapp.ledger.commands import amend_credit, retire_credit, reverse_sale, sell_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

AG, DOTTED = "Hilltop Tools AG", "HILLTOP TOOLS A.G."


def two_spellings() -> None:
    """Retire 30 of 100 t for one spelling in 2025, and sell 40 t to the other, of which 10 come back."""
    one = recorded_with_facts(registry="VCS", quantity="100")
    retire_credit(one, {"quantity": "30", "beneficiary": AG, "occurred_on": "2025-03-04"}, LOCAL)
    other = recorded(serial_number="VCS-0002", registry="GS", project_name="Wind", quantity="40")
    sell_credit(other, {"buyer": DOTTED, "occurred_on": "2026-01-05"}, LOCAL)
    reverse_sale(other, {"quantity": "10", "reason": "Too many", "occurred_on": "2026-02-01"}, LOCAL)
    parties.join_names({"party": AG, "name": DOTTED}, LOCAL)


def lines(where: as_of.Where, before: str | None = None) -> ActLines:
    return act_lines(as_of.cut(), where, before)


def tonnes(flow: party_figures.Flow) -> tuple[str, ...]:
    return tuple(flow[kind].quantity for kind in party_figures.FLOWS)


def test_a_party_has_the_figures_of_all_its_names() -> None:
    two_spellings()
    found = party_figures.party(as_of.cut(), DOTTED.lower())
    assert (found.name, [join.name for join in found.joins]) == (AG, [DOTTED])
    assert tonnes(found.flow) == ("30", "40", "10")
    assert [(year, tonnes(flow)) for year, flow in found.by_year] == [
        ("2026", ("0", "40", "10")),
        ("2025", ("30", "0", "0")),
    ]
    assert [(each.name, each.registry, each.id, tonnes(flow)) for each, flow in found.by_project] == [
        ("Wind", "GS", "", ("0", "40", "10")),
        ("Mangrove Restoration Project", "VCS", "VCS 1340", ("30", "0", "0")),
    ]
    assert [registry for registry, _ in found.by_registry] == ["GS", "VCS"]
    (listed,) = party_figures.list_parties(as_of.cut(), "hilltop a.g.")
    assert (listed.name, listed.aliases, listed.flow) == (AG, [DOTTED], found.flow)
    assert party_figures.list_parties(as_of.cut(), "hilltop nobody") == []


def test_names_are_folded_as_they_were_joined_at_the_cut() -> None:
    two_spellings()
    cut = as_of.cut()
    parties.separate_names({"party": AG, "name": DOTTED}, LOCAL)
    assert tonnes(party_figures.party(cut, AG).flow) == ("30", "40", "10")
    assert tonnes(party_figures.party(as_of.cut(), AG).flow) == ("30", "0", "0")
    with pytest.raises(UnknownParty):
        party_figures.party(as_of.cut(), "Nobody")


def test_the_acts_of_a_party_are_told_by_day_and_lead_to_the_acts() -> None:
    two_spellings()
    first = acted(recorded(serial_number="3"), EventType.RETIRED, {"beneficiary": AG}, act=99)
    second = acted(recorded(serial_number="4"), EventType.RETIRED, {"beneficiary": AG}, act=99)
    amend_credit(second, {"amends": "2", "reason": "Flights"}, LOCAL)
    found = lines(as_of.Where(parties=("hilltop tools ag", "hilltop tools a.g.")))
    assert [(line.event_type, line.credits, line.is_dated) for line in found.lines] == [
        ("RETIRED", 2, True),
        ("SALE_REVERSED", 1, True),
        ("SOLD", 2, True),
        ("RETIRED", 1, True),
    ]
    assert [line.day for line in found.lines[1:]] == ["2026-02-01", "2026-01-05", "2025-03-04"]
    assert (found.older, found.left_out) == (None, 0)
    for line in found.lines:
        assert acts.act_at(line.position).event_type == line.event_type
    assert acts.act_at(found.lines[0].position).first.credit.id == first
    earlier = lines(as_of.Where(projects=("wind",), types=(EventType.SOLD,)), "2026-02-01")
    assert [(line.party, [each.name for each in line.projects]) for line in earlier.lines] == [
        (DOTTED, ["Wind"])
    ]


def test_a_project_is_found_by_its_id_under_all_names_of_its_registry() -> None:
    two_spellings()
    recorded_with_facts(registry="Verra", project_name="Mangroves", serial_number="9", vintage="2021")
    aliased("vcs", "Verra")
    found = projects.project(as_of.cut(), "verra", "vcs 1340")
    assert (found.names.names, found.names.registry) == (("Mangrove Restoration Project", "Mangroves"), "VCS")
    assert found.facts == {"country": ["Kenya"]}
    assert [(each.name, each["ACTIVE"].quantity, each["RETIRED"].quantity) for each in found.vintages] == [
        ("2023", "70", "30"),
        ("2021", "100", "0"),
    ]
    assert found.sums.all.quantity == "200"
    assert [(each.key.id, each.key.name) for each in projects.list_projects(as_of.cut())] == [
        ("vcs 1340", ""),
        ("", "wind"),
    ]
    assert [each.key.name for each in projects.list_projects(as_of.cut(), "gs wind")] == ["wind"]
    for wrong in (("VCS", "", "Mangroves"), ("GS", "VCS 1340", ""), ("VCS", "", "")):
        with pytest.raises(UnknownProject):
            projects.project(as_of.cut(), *wrong)
    assert findings() == []
