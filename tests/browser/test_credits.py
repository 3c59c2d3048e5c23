"""Credits in a browser, also with two concurrent users."""

import re
from datetime import datetime
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, answering_no_write, cut_off, expects
from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server

_numbers: Final = count(1)

modes = pytest.mark.parametrize("scripts", [True, False])


def another_credit(**changes: object) -> dict[str, object]:
    number = next(_numbers)
    return a_credit(project_name=f"Project {number:03}", serial_number=f"SEEN-{number:03}", **changes)


def record(server: Server, credit: dict[str, object]) -> str:
    return str(server.client().post("/records", credit).json["id"])


def types_of_events(server: Server, credit_id: str) -> list[str]:
    return [event["event_type"] for event in server.client().get(f"/records/{credit_id}").json["events"]]


def fill_in(page: Page, credit: dict[str, object]) -> None:
    for name, value in credit.items():
        page.locator(f"[name={name}]").fill(str(value))


def send(page: Page, credit: dict[str, object]) -> None:
    page.goto("/credits/new")
    fill_in(page, credit)
    page.get_by_role("button", name="Record credit").click()


def retire_on_its_page(page: Page, server: Server, credit_id: str = "") -> str:
    credit_id = credit_id or record(server, another_credit())
    page.goto(f"/credits/{credit_id}/retire")
    page.locator("[name=beneficiary]").fill("Jane Doe")
    page.get_by_role("button", name="Retire 100 t").click()
    expect(page).to_have_url(re.compile(f"/credits/{credit_id}$"))
    return credit_id


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("is_panel", [False, True], ids=["page", "row"])
def test_today_is_the_day_of_the_reader(visit: Visit, ledger: Server, zone: str, *, is_panel: bool) -> None:
    """At any time one of these two zones has another day than the server in UTC."""
    page = visit(ledger, timezone_id=zone)
    credit = another_credit()
    credit_id = record(ledger, credit)
    possible = {datetime.now(ZoneInfo(zone)).date().isoformat()}
    page.goto(f"/credits?q={credit['serial_number']}" if is_panel else f"/credits/{credit_id}/sell")
    if is_panel:
        page.get_by_role("link", name=f"Sell {credit['project_name']}").click()
    shown = page.locator("[name=occurred_on]")
    expect(shown).not_to_have_attribute("data-today", re.compile("."))
    possible.add(datetime.now(ZoneInfo(zone)).date().isoformat())
    assert shown.input_value() in possible


@modes
def test_what_was_typed_wrongly_is_said_beside_it_and_kept(
    visit: Visit, ledger: Server, *, scripts: bool
) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    expects(page, 422)
    credit = another_credit()
    send(page, {**credit, "vintage": "1066", "quantity": "1;000"})
    for name, typed in [("vintage", "1066"), ("quantity", "1;000")]:
        field = page.locator(f"[name={name}]")
        expect(field).to_have_value(typed)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.locator(f"#{name}-error")).to_be_visible()
    expect(page.locator("[name=project_name]")).to_have_value(str(credit["project_name"]))
    fill_in(page, {"vintage": "2020", "quantity": "1,000.5 t"})
    page.get_by_role("button", name="Record credit").click()
    expect(page.get_by_role("status").filter(has_text="The credit is recorded")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(credit["project_name"]))
    expect(page.get_by_role("region", name="Details")).to_contain_text("1,000.5 t")


def test_a_credit_that_exists_leads_to_it(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    send(page, {**credit, "registry": "vcs", "quantity": "100.00"})
    expect(page).to_have_url(re.compile(f"/credits/{credit_id}$"))
    expect(page.get_by_text("Already recorded")).to_be_visible()
    assert types_of_events(ledger, credit_id) == ["CREATED"]


def test_a_serial_number_that_is_taken_leads_to_its_holder(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    expects(page, 409)
    send(page, {**credit, "quantity": "7"})
    expect(page.locator("[name=quantity]")).to_have_value("7")
    page.locator("#serial_number-error").get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/credits/{credit_id}$"))


def test_the_second_of_two_people_sees_what_the_first_did(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    first, second = visit(ledger), visit(ledger)
    expects(second, 409)
    for page, verb in [(first, "Retire"), (second, "Sell")]:
        page.goto(f"/credits?q={credit['serial_number']}")
        page.get_by_role("link", name=f"{verb} {credit['project_name']}").click()
        expect(page.get_by_role("form", name=f"{verb} this credit")).to_be_visible()
    first.locator("[name=beneficiary]").fill("The first person")
    first.get_by_role("button", name="Retire 100 t").click()
    expect(first.locator(f"#credit-{credit_id} .tag")).to_have_text("RETIRED")
    second.get_by_role("button", name="Sell 100 t").click()
    row = second.locator(f"#credit-{credit_id}")
    expect(row.locator(".tag")).to_have_text("RETIRED")
    expect(row).to_contain_text("Nothing was recorded")
    expect(row).to_contain_text("The first person")
    assert types_of_events(ledger, credit_id) == ["CREATED", "RETIRED"]


@modes
def test_going_back_after_a_retirement_shows_that_it_happened(
    visit: Visit, ledger: Server, *, scripts: bool
) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    expects(page, 409)
    credit_id = retire_on_its_page(page, ledger)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Already retired")
    expect(page.get_by_role("button", name="Retire 100 t")).to_have_count(0)
    assert types_of_events(ledger, credit_id) == ["CREATED", "RETIRED"]


@modes
def test_a_form_left_open_retires_nothing_twice(visit: Visit, ledger: Server, *, scripts: bool) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    credit_id = record(ledger, another_credit())
    left_open = page.context.new_page()
    expects(left_open, 409)
    left_open.goto(f"/credits/{credit_id}/retire")
    retire_on_its_page(page, ledger, credit_id)
    left_open.locator("[name=beneficiary]").fill("John Doe")
    left_open.get_by_role("button", name="Retire 100 t").click()
    expect(left_open.get_by_text("Nothing was recorded")).to_be_visible()
    expect(left_open.get_by_role("main")).to_contain_text("Jane Doe")
    assert types_of_events(ledger, credit_id) == ["CREATED", "RETIRED"]


def test_a_double_click_retires_once_and_says_so(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    page.goto(f"/credits?q={credit['serial_number']}")
    page.get_by_role("link", name=f"Retire {credit['project_name']}").click()
    page.locator("[name=beneficiary]").fill("Jane Doe")
    with answering_no_write(ledger):
        page.get_by_role("button", name="Retire 100 t").dblclick()
    expect(page.locator("#toasts .notice")).to_contain_text("Retired 100 t for Jane Doe")
    expect(page.locator("#toasts .notice")).to_have_count(1)
    assert types_of_events(ledger, credit_id) == ["CREATED", "RETIRED"]


def test_a_retirement_without_a_beneficiary_needs_a_tick(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    expects(page, 422)
    page.goto(f"/credits?q={credit['serial_number']}")
    page.get_by_role("link", name=f"Retire {credit['project_name']}").click()
    page.get_by_role("button", name="Retire 100 t").click()
    expect(page.locator(f"#credit-{credit_id} .field-error")).to_contain_text("Enter the beneficiary")
    page.get_by_label("Retire without a beneficiary").check()
    page.get_by_role("button", name="Retire 100 t").click()
    expect(page.locator(f"#credit-{credit_id} .tag")).to_have_text("RETIRED")


def test_a_buyer_named_before_is_suggested(visit: Visit, ledger: Server) -> None:
    buyer = f"Buyer of {next(_numbers)}"
    ledger.client().post(f"/records/{record(ledger, another_credit())}/sell", {"buyer": buyer})
    page = visit(ledger)
    page.goto(f"/credits/{record(ledger, another_credit())}/sell")
    list_id = page.locator("[name=buyer]").get_attribute("list")
    expect(page.locator(f"datalist[id='{list_id}'] option[value='{buyer}']")).to_have_count(1)


def test_cancelling_leaves_the_row_as_it_was(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    page.goto(f"/credits?q={credit['serial_number']}")
    row = page.locator(f"#credit-{credit_id}")
    before = row.inner_text()
    row.get_by_role("link", name="Sell").click()
    row.get_by_role("link", name="Cancel").click()
    expect(row.get_by_role("form")).to_have_count(0)
    assert row.inner_text() == before


def test_the_full_id_is_copied_with_a_click(visit: Visit, ledger: Server) -> None:
    credit_id = record(ledger, another_credit())
    page = visit(ledger, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/credits/{credit_id}")
    page.get_by_role("button", name="Copy the id").click()
    expect(page.get_by_role("button", name="Copy the id")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == credit_id


def test_a_server_that_does_not_answer_leaves_what_was_typed(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    record(ledger, credit)
    page = visit(ledger)
    page.goto(f"/credits?q={credit['serial_number']}")
    page.get_by_role("link", name=f"Sell {credit['project_name']}").click()
    page.locator("[name=buyer]").fill("Acme Airlines")
    cut_off(page, "**/sell")
    page.get_by_role("button", name="Sell 100 t").click()
    expect(page.get_by_role("alert")).to_contain_text("The server did not answer")
    expect(page.locator("[name=buyer]")).to_have_value("Acme Airlines")
    page.unroute("**/sell")
    page.get_by_role("button", name="Sell 100 t").click()
    expect(page.locator("tbody .tag")).to_have_text("SOLD")


@modes
def test_times_are_relative_and_exact_in_the_readers_zone_and_without_scripts_in_utc(
    visit: Visit, ledger: Server, *, scripts: bool
) -> None:
    record(ledger, another_credit())
    page = visit(ledger, java_script_enabled=scripts, timezone_id="Asia/Tokyo", locale="de-DE")
    page.goto("/activity")
    time = page.locator("#activity time[data-ago]").first
    if scripts:
        expect(time.locator(".time-relative")).to_have_text(re.compile("^just now$|minutes? ago$"))
        expect(time.locator(".time-exact")).to_contain_text("GMT+9")
        expect(time).to_have_attribute("title", re.compile(r"^\d\d?\. .* GMT\+9$"))
    else:
        expect(time).to_have_text(re.compile("UTC$"))
