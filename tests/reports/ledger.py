"""A small ledger for reports: what was retired in 2025 and beside it, in tonnes that add up by hand."""

from collections.abc import Mapping

from tests.fixtures.credits import acted, recorded_with_facts
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType
from webapp.ledger import as_of
from webapp.ledger.commands import amend_credit, retire_credit
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.loaded_credit import LoadedCredit
from webapp.reports.content import Cell, Report
from webapp.reports.question import Kind, read_question
from webapp.reports.report import report_of

ACME = "Acme Airlines"
VCS = "Verified Carbon Standard"


def retired_for(
    party: str, day: str, tonnes: str, facts: Mapping[str, str] | None = None, **changes: object
) -> str:
    """Record a credit with these facts and retire it; an empty day means that none is stated."""
    values = {"serial_number": f"{party}-{day}-{tonnes}", "quantity": tonnes, **changes}
    credit_id = recorded_with_facts(facts or {}, **values)
    if day:
        return acted(credit_id, EventType.RETIRED, {"beneficiary": party, "occurred_on": day})

    def action(transaction: Transaction) -> str:
        found = LoadedCredit.read(transaction, credit_id, EventType.RETIRED)
        found.append([found.event(EventType.RETIRED, {"beneficiary": party}, LOCAL)])
        return credit_id

    return commit(action)


def a_year() -> dict[str, str]:
    """Record a year of Acme Airlines, and what is not of it; return ids by what they are."""
    forest = {
        "activity": "Removal",
        "removal_kind": "biogenic",
        "programme": VCS,
        "country": "DE",
        "project_id": "VCS 1",
        "methodology": "VM0047",
        "corresponding_adjustment": "Authorised, Switzerland",
    }
    ids = {
        "biogenic": retired_for(ACME, "2025-01-01", "400", forest, project_name="Forest"),
        "technological": retired_for(
            ACME,
            "2025-12-31",
            "100",
            {"activity": "removal", "removal_kind": "technological", "programme": "Puro", "country": "Spain"},
            project_name="Biochar",
        ),
        "avoided": retired_for(
            "ACME AIRLINES",
            "2025-06-15",
            "250.5",
            {"activity": "avoidance", "programme": VCS.upper(), "country": "Kenya", "project_id": "VCS 2"},
            project_name="Stoves",
        ),
        "mixed": retired_for(ACME, "2025-06-30", "149.5", {"activity": "mixed", "country": "Atlantis"}),
        "plain": retired_for(ACME, "2025-02-02", "100"),
        "undated": retired_for(ACME, "", "70"),
        "earlier": retired_for(ACME, "2024-12-31", "11"),
        "later": retired_for(ACME, "2026-01-01", "12"),
        "client": retired_for("A client", "2025-03-03", "13"),
        "nobody": recorded_with_facts({}, serial_number="N-1", quantity="14"),
    }
    retire_credit(ids["nobody"], {"occurred_on": "2025-05-05"}, LOCAL)
    return ids


def change_later(ids: Mapping[str, str]) -> None:
    """Amend and backdate: what leaves the year, enters it, is late in it, and is in other lines of it."""
    amend_credit(ids["plain"], {"amends": "2", "beneficiary": "A client"}, LOCAL)
    amend_credit(ids["earlier"], {"amends": "2", "occurred_on": "2025-01-02"}, LOCAL)
    amend_credit(ids["mixed"], {"amends": "1", "facts": {"activity": "removal", "country": "Italy"}}, LOCAL)
    retired_for(ACME, "2025-11-11", "5", project_name="Late")


def report(kind: Kind, *, known_at: str = "", compared_with: str = "", **more: str) -> Report:
    """Return the report of 2025 for Acme Airlines."""
    values = {"year": ["2025"], "party": [ACME], "known_at": [known_at], "compared_with": [compared_with]}
    values |= {name: [text] for name, text in more.items()}
    return report_of(read_question(kind, values, "UTC"))


def now() -> str:
    """Return the present time of knowledge."""
    return as_of.cut().known_at


def rows(found: Report, name: str) -> list[tuple[Cell, ...]]:
    """Return the cells of a section, of the report or of what changed."""
    (section,) = [each for each in (*found.sections, *(found.changes or ())) if each.name == name]
    return [tuple(row.cells) for row in section.rows]
