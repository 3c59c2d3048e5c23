"""Imports in a browser: broken files, files with problems, exports of a registry, and cancelled imports."""

import json
from itertools import count
from typing import Final

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Visit, expects
from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server

_numbers: Final = count(1)

modes = pytest.mark.parametrize("scripts", [True, False])


def another_serial() -> str:
    return f"BROUGHT-{next(_numbers):03}"


def bring(page: Page, content: str, name: str = "credits.json") -> None:
    page.goto("/imports/new")
    file: FilePayload = {"name": name, "mimeType": "application/json", "buffer": content.encode()}
    page.get_by_label("Drop a file here, or choose one").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()


VERRA = (
    "Issuance Date,Sustainable Development Goals,Vintage Start,Vintage End,ID,Name,Country/Area,Project Type,"
    "Methodology,Total Vintage Quantity,Quantity Issued,Serial Number,Additional Certifications,"
    "Retirement/Cancellation Date,Retirement Beneficiary,Retirement Reason,Retirement Details"
)


def export(series: int, *rows: tuple[int, int, str, str]) -> str:
    """Return an export of Verra with the first and last number, date and beneficiary of each row."""
    lines = [VERRA]
    for first, last, day, beneficiary in rows:
        serial = f"{series}-{first}-{last}-VCS-VCU-1507-VER-ET-14-{series}-01012020-31122020-1"
        end = f"{day},{beneficiary},{'Environmental Benefit' if day else ''},"
        project = f"{series},Highland Plateau {series},Ethiopia,Agriculture,VM0007"
        facts = f"2026-04-03,,2020-01-01,2020-12-31,{project}"
        lines.append(f"{facts},1000,{last - first + 1},{serial},,{end}")
    return "\n".join(lines)


def plan(page: Page) -> dict[str, str]:
    """Return the tonnes of each line of the plan."""
    lines = page.locator(".plan-table tbody tr").all()
    return {
        line.get_by_role("link").inner_text(): line.locator("td").nth(1).inner_text().replace("\xa0", " ")
        for line in lines
    }


@modes
def test_an_export_is_chosen_planned_and_confirmed_and_the_next_one_shows_what_changed(
    visit: Visit, ledger: Server, *, scripts: bool
) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    series = 70_000 + next(_numbers)
    bring(page, export(series, (1, 100, "", ""), (101, 150, "2026-04-10", "Acme Airlines")), "verra.csv")
    expect(page.get_by_text("A registry's export: Verra transactions")).to_be_visible()
    page.get_by_label("All rows").check()
    page.get_by_role("button", name="Plan again").click()
    page.get_by_role("button", name="Record 2 rows").click()
    expect(page.get_by_text("Recorded 2 rows")).to_be_visible()
    bring(
        page,
        export(
            series,
            (1, 60, "", ""),
            (61, 100, "2026-05-02", "Acme Airlines"),
            (101, 150, "2026-04-11", "Acme Airways"),
        ),
        "next-month.csv",
    )
    assert plan(page) == {
        "Differences, nothing to record": "100 t",
        "Retirement of what is held": "40 t",
        "Already recorded": "110 t",
    }
    differences = page.get_by_role("table", name="Differences, nothing to record").locator("tbody tr")
    expect(differences.filter(has_text="Acme Airways in the file")).to_have_count(1)
    expect(differences.filter(has_text="2026-04-11 in the file")).to_have_count(1)


def held(server: Server, serial: str) -> int:
    return len(server.client().get(f"/records?q={serial}").json["items"])


@modes
def test_a_broken_file_is_refused_with_the_reason(visit: Visit, ledger: Server, *, scripts: bool) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    expects(page, 400)
    bring(page, '[{"project_name": "Cut o', "cut-off.json")
    expect(page.locator("#file-error")).to_contain_text("cut-off.json")
    expect(page.get_by_role("button", name="Check the file")).to_be_enabled()


@modes
def test_no_file_is_said_beside_the_field(visit: Visit, ledger: Server, *, scripts: bool) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    expects(page, 422)
    page.goto("/imports/new")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#file-error")).to_have_text("Choose a file.")


@modes
def test_rows_with_problems_are_left_out_only_when_ticked(
    visit: Visit, ledger: Server, *, scripts: bool
) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    expects(page, 409)
    good, taken = another_serial(), another_serial()
    holder = ledger.client().post("/records", a_credit(serial_number=taken)).json["id"]
    rows = [
        a_credit(serial_number=good),
        a_credit(serial_number=taken, quantity=7),
        a_credit(serial_number=another_serial(), vintage=1066),
    ]
    bring(page, json.dumps(rows))
    conflict = page.get_by_role("table", name="In conflict").locator("tbody tr")
    expect(conflict).to_contain_text("serial_number")
    expect(conflict.get_by_role("link")).to_have_attribute("href", f"/credits/{holder}")
    page.get_by_role("link", name="Not valid").click()
    expect(page.get_by_role("table", name="Not valid").locator("tbody tr")).to_contain_text("vintage")
    page.get_by_role("button", name="Record 1 row").click()
    expect(page.locator("#skip_invalid-error")).to_be_visible()
    assert held(ledger, good) == 0
    page.locator("[name=skip_invalid]").check()
    page.get_by_role("button", name="Record 1 row").click()
    expect(page.get_by_text("Recorded 1 row")).to_be_visible()
    assert held(ledger, good) == 1


@modes
def test_a_cancelled_import_records_nothing(visit: Visit, ledger: Server, *, scripts: bool) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    serial = another_serial()
    bring(page, json.dumps([a_credit(serial_number=serial)]), f"{serial}.json")
    page.get_by_role("button", name="Cancel this import").click()
    expect(page.get_by_text("Nothing of this file was recorded.")).to_be_visible()
    assert held(ledger, serial) == 0
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Imports").click()
    listed = page.get_by_role("table", name="Imports").get_by_role("row").filter(has_text=f"{serial}.json")
    expect(listed).to_contain_text("CANCELLED")


def test_an_import_confirmed_in_two_tabs_is_written_once(visit: Visit, ledger: Server) -> None:
    serial = another_serial()
    first, second = visit(ledger), visit(ledger)
    expects(second, 409)
    bring(first, json.dumps([a_credit(serial_number=serial)]))
    expect(first.get_by_text("Nothing is recorded yet")).to_be_visible()
    second.goto(first.url)
    first.get_by_role("button", name="Record 1 row").click()
    expect(first.get_by_text("Recorded 1 row")).to_be_visible()
    second.get_by_role("button", name="Record 1 row").click()
    expect(second.get_by_text("This import is already finished")).to_be_visible()
    assert held(ledger, serial) == 1
