"""The layout of all pages: the theme, and the navigation on a phone."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_every_page import PHONE
from tests.fixtures.server import Server


def test_the_chosen_theme_stays_from_page_to_page(visit: Visit, ledger: Server) -> None:
    page = visit(ledger, color_scheme="light")
    page.goto("/credits")
    page.get_by_role("button", name="Dark theme").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
    expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_the_menu_of_a_phone_leads_about(visit: Visit, ledger: Server) -> None:
    page = visit(ledger, viewport=PHONE)
    page.goto("/")
    page.get_by_label("Menu").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Imports").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Imports")


def test_the_first_key_skips_to_the_content(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/credits")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
