"""The list of credits keeps its state in the address: Back, reload and bookmarks work."""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server

REGISTRIES: Final = ("VCS", "Gold Standard")
CREDITS: Final = 130
PAGE: Final = 50


@pytest.fixture(scope="module")
def long_ledger(make_module_database: MakeDatabase, serve_module: Serve) -> Server:
    server = serve_module(make_module_database("sqlite"))
    credits = [
        a_credit(
            project_name=f"Project {number:03}",
            registry=REGISTRIES[number % 2],
            vintage=2010 + number % 10,
            quantity=1 + number,
            serial_number=f"LISTED-{number:03}",
        )
        for number in range(CREDITS)
    ]
    assert server.client().post("/records/imports", credits).json["written"] == CREDITS
    return server


def rows(page: Page) -> Locator:
    return page.locator("tbody[id^=credit-]")


def first_project(page: Page) -> Locator:
    return rows(page).first.get_by_role("rowheader")


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_back_restores_filter_order_and_page(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    expect(first_project(page)).to_have_text("Project 129")
    page.get_by_label("Registry", exact=True).select_option("Gold Standard")
    expect(page.locator("#totals")).to_contain_text("65 credits")
    page.get_by_role("link", name="Quantity").click()
    expect(first_project(page)).to_have_text("Project 129")
    expect(page).to_have_url(re.compile("sort=quantity"))
    page.get_by_role("link", name="Quantity").click()
    expect(first_project(page)).to_have_text("Project 001")
    page.get_by_role("link", name="Next").click()
    expect(first_project(page)).to_have_text("Project 101")
    expect(rows(page)).to_have_count(15)
    assert {"registry", "sort", "order", "cursor"} == set(query(page))
    page.go_back()
    expect(first_project(page)).to_have_text("Project 001")
    expect(rows(page)).to_have_count(PAGE)
    expect(page.get_by_label("Registry", exact=True)).to_have_value("Gold Standard")
    page.go_back()
    page.go_back()
    expect(first_project(page)).to_have_text("Project 129")
    expect(page.locator("#totals")).to_contain_text("65 credits")
    page.go_back()
    expect(page.locator("#totals")).to_contain_text(f"{CREDITS} credits")
    expect(page.get_by_label("Registry", exact=True)).to_have_value("")
    page.go_forward()
    expect(page.locator("#totals")).to_contain_text("65 credits")
    expect(page.get_by_label("Registry", exact=True)).to_have_value("Gold Standard")


def test_back_from_a_credit_leads_to_the_same_view(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    page.get_by_label("Search credits").fill("listed-04")
    expect(rows(page)).to_have_count(10)
    rows(page).first.get_by_role("rowheader").get_by_role("link").click()
    expect(page.get_by_role("region", name="History")).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_label("Search credits")).to_have_value("listed-04")


@pytest.mark.parametrize("scripts", [True, False])
def test_an_address_shows_the_same_view_to_somebody_else(
    visit: Visit, long_ledger: Server, *, scripts: bool
) -> None:
    page = visit(long_ledger, java_script_enabled=scripts)
    page.goto("/credits")
    page.get_by_label("Vintage", exact=True).select_option("2015")
    if not scripts:
        page.get_by_role("button", name="Filter").click()
    expect(page.locator("#totals")).to_contain_text("13 credits")
    page.get_by_role("link", name="Project", exact=True).click()
    expect(first_project(page)).to_have_text("Project 005")
    other = visit(long_ledger)
    other.goto(page.url)
    assert rows(other).all_inner_texts() == rows(page).all_inner_texts()
    expect(other.get_by_label("Vintage", exact=True)).to_have_value("2015")


def test_the_pages_lead_through_every_credit_once(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits?sort=project&order=asc")
    seen: list[str] = []
    for size in (PAGE, PAGE, CREDITS - 2 * PAGE):
        expect(rows(page)).to_have_count(size)
        expect(first_project(page)).to_have_text(f"Project {len(seen):03}")
        seen += rows(page).get_by_role("rowheader").all_inner_texts()
        if len(seen) < CREDITS:
            page.get_by_role("link", name="Next").click()
    assert seen == [f"Project {number:03}" for number in range(CREDITS)]


def test_a_filter_that_matches_nothing_says_so_and_clears(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    page.get_by_label("Search credits").fill("nothing is called this")
    expect(page.get_by_text("No credit matches")).to_be_visible()
    page.get_by_role("link", name="Clear filters").last.click()
    expect(rows(page)).to_have_count(PAGE)
    expect(page).to_have_url(re.compile(r"/credits$"))
    expect(page.get_by_label("Search credits")).to_have_value("")
