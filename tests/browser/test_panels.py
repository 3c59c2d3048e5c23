"""The forms in rows, dialogs, toasts and keys, as people use them."""

import re
from itertools import count
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, expects
from tests.browser.test_every_page import PHONE, violations
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import Serve, Server
from tests.fixtures.users import PASSWORD, a_token, an_administrator

_numbers: Final = count(1)


def listed(page: Page, server: Server, credits: int = 1) -> str:
    """Record credits and open the list of them. Returns the name of the first."""
    name = f"Panels {next(_numbers):03}"
    for number in range(1, credits + 1):
        values = a_credit(project_name=name, quantity=1200 + number, serial_number=f"{name} {number}")
        server.client().post("/records", values)
    page.goto(f"/credits?q={name}&sort=quantity&order=asc")
    return name


def open_panel(page: Page, verb: str, row: int = 0) -> None:
    page.locator("tbody[id^=credit-]").nth(row).get_by_role("link", name=verb).click()
    expect(page.get_by_role("form", name=f"{verb} this credit")).to_be_visible()


def test_a_part_is_sold_with_the_keyboard_alone(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    name = listed(page, ledger)
    page.keyboard.press("/")
    expect(page.get_by_label("Search credits")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    for _ in range(2):  # past the serial number
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Quantity")).to_be_focused()
    page.keyboard.type("1,000 t")
    expect(page.get_by_role("button", name="Sell 1,000 t")).to_be_visible()
    for _ in range(2):  # past the button that takes all
        page.keyboard.press("Tab")
    page.keyboard.type("Acme")
    sentence = page.locator(".confirm-text")
    expect(sentence).to_have_text("Sell 1,000 t of 1,201 t to Acme.", use_inner_text=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Sold 1,000 t to Acme on")).to_be_visible()
    expect(page.get_by_role("link", name=name, exact=True).first).to_be_focused()


def test_a_panel_closes_with_escape_and_another_one_replaces_it(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    listed(page, ledger, credits=2)
    open_panel(page, "Retire")
    open_panel(page, "Sell", row=1)
    expect(page.get_by_role("form", name="Retire this credit")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".confirm")).to_have_count(0)
    expect(page.get_by_role("link", name="Sell").nth(1)).to_be_focused()


def test_two_problems_are_shown_at_once_and_are_red_until_changed(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    expects(page, 422)
    listed(page, ledger)
    open_panel(page, "Retire")
    page.get_by_label("Quantity").fill("5000")
    page.get_by_role("button", name="Retire a part").click()
    wrong = page.locator(".confirm [aria-invalid=true]")
    expect(wrong).to_have_count(2)
    expect(page.get_by_label("Quantity")).to_be_focused()
    expect(page.get_by_label("Quantity")).to_have_value("5000")
    assert violations(page, "dark") == []
    page.get_by_role("button", name="All 1,201 t").click()
    page.get_by_label("Retire without a beneficiary").check()
    expect(wrong).to_have_count(0)
    expect(page.locator(".confirm .field-error")).to_have_count(0)
    page.get_by_role("button", name="Retire 1,201 t").click()
    expect(page.locator("tbody .tag")).to_have_text("RETIRED")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_success_is_announced_once_and_goes_away(visit: Visit, ledger: Server, *, scripts: bool) -> None:
    page = visit(ledger, java_script_enabled=scripts)
    listed(page, ledger)
    page.get_by_role("link", name=re.compile("^Sell Panels")).click()
    page.locator("form.confirm").get_by_role("button", name=re.compile("^Sell")).click()
    expect(page.get_by_role("status").filter(has_text="Sold 1,201 t on")).to_be_visible()
    expect(page.get_by_text("Sold 1,201 t on")).to_have_count(1)
    if scripts:
        assert violations(page, "light") == []
        page.get_by_role("button", name="Dismiss").click()
        expect(page.get_by_text("Sold 1,201 t on")).to_have_count(0)


def test_on_a_phone_filters_are_behind_a_button_and_the_submit_button_is_in_view(
    visit: Visit, ledger: Server
) -> None:
    page = visit(ledger, viewport=PHONE)
    listed(page, ledger)
    status = page.locator("summary").filter(has_text=re.compile("^Status"))
    expect(status).to_be_hidden()
    page.get_by_text("Filters", exact=True).click()
    status.click()
    page.get_by_label(re.compile(r"^\s*Active")).check()
    page.get_by_role("button", name="Show").locator("visible=true").click()
    expect(page).to_have_url(re.compile("status=ACTIVE"))
    page.locator(".sort-menu summary").click()
    page.get_by_role("link", name="Most tonnes first").click()
    expect(page).to_have_url(re.compile("status=ACTIVE.*sort=quantity"))
    open_panel(page, "Retire")
    expect(page.get_by_role("button", name="Retire 1,201 t")).to_be_in_viewport(ratio=1)


def test_the_keys_are_listed_and_can_be_turned_off(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    listed(page, ledger)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Next or previous row")
    assert violations(page, "light") == []
    dialog.get_by_label("Use the keys").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search credits")).not_to_be_focused()
    page.get_by_role("button", name="Keyboard").click()
    expect(dialog).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_token_is_revoked_after_a_question(
    serve: Serve, make_database: MakeDatabase, visit: Visit, *, scripts: bool
) -> None:
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
        a_token(name="nightly")
    page = visit(serve(database_url), java_script_enabled=scripts)
    page.goto("/sign-in?next=/tokens")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/tokens")
    ask = page.get_by_role("link", name="Revoke nightly")
    ask.click()
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    if scripts:
        assert violations(page, "light") == []
        page.keyboard.press("Escape")
        expect(ask).to_be_focused()
        ask.click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("REVOKED", exact=True)).to_be_visible()


def test_a_credit_leads_back_to_the_list_as_it_was(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    name = listed(page, ledger)
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Credits", exact=True).click()
    expect(page).to_have_url(re.compile("q=Panels"))
