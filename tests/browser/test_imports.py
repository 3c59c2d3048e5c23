"""Imports in a browser: broken files, files with problems, and cancelled imports."""

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
    problems = page.get_by_role("table", name="Problems").locator("tbody tr")
    expect(problems).to_have_count(2)
    expect(problems.nth(0)).to_contain_text("serial_number")
    expect(problems.nth(0).get_by_role("link")).to_have_attribute("href", f"/credits/{holder}")
    expect(problems.nth(1)).to_contain_text("vintage")
    page.get_by_role("button", name="Record 1 new credit").click()
    expect(page.locator("#skip_invalid-error")).to_be_visible()
    assert held(ledger, good) == 0
    page.locator("[name=skip_invalid]").check()
    page.get_by_role("button", name="Record 1 new credit").click()
    expect(page.get_by_text("Recorded 1 new credit")).to_be_visible()
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
    first.get_by_role("button", name="Record 1 new credit").click()
    expect(first.get_by_text("Recorded 1 new credit")).to_be_visible()
    second.get_by_role("button", name="Record 1 new credit").click()
    expect(second.get_by_text("This import is already finished")).to_be_visible()
    assert held(ledger, serial) == 1
