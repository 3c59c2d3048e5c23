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


def panel(page: Page, name: str) -> Locator:
    """Return the button that opens a panel of filters."""
    return page.locator("summary").filter(has_text=re.compile(f"^{name}"))


def filtered(page: Page, name: str, value: str) -> None:
    """Tick one value in a panel, and apply it."""
    panel(page, name).click()
    page.get_by_label(value).check()
    page.get_by_role("button", name="Show").locator("visible=true").click()
    expect(page.get_by_role("link", name=f"Remove the filter {name}")).to_be_visible()


def test_back_restores_filter_order_and_page(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    expect(first_project(page)).to_have_text("Project 129")
    filtered(page, "Registry", "Gold Standard 65 credits")
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
    expect(panel(page, "Registry")).to_contain_text("Gold Standard")
    page.go_back()
    page.go_back()
    expect(first_project(page)).to_have_text("Project 129")
    expect(page.locator("#totals")).to_contain_text("65 credits")
    page.go_back()
    expect(page.locator("#totals")).to_contain_text(f"{CREDITS} credits")
    expect(panel(page, "Registry")).not_to_contain_text("Gold Standard")
    page.go_forward()
    expect(page.locator("#totals")).to_contain_text("65 credits")
    expect(panel(page, "Registry")).to_contain_text("Gold Standard")


def test_back_from_a_credit_leads_to_the_same_view(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    page.get_by_label("Search credits").fill("listed-04")
    expect(rows(page)).to_have_count(10)
    rows(page).first.get_by_role("rowheader").get_by_role("link").click()
    expect(page.get_by_role("region", name="History")).to_be_visible()
    page.get_by_role("link", name="Credits").last.click()
    expect(rows(page)).to_have_count(10)
    page.go_back()
    page.go_back()
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_label("Search credits")).to_have_value("listed-04")


@pytest.mark.parametrize("scripts", [True, False])
def test_an_address_shows_the_same_view_to_somebody_else(
    visit: Visit, long_ledger: Server, *, scripts: bool
) -> None:
    page = visit(long_ledger, java_script_enabled=scripts)
    page.goto("/credits")
    panel(page, "Vintage").click()
    for end in ("From", "To"):
        page.get_by_label(end, exact=True).select_option("2015")
    page.get_by_role("button", name="Show").locator("visible=true").click()
    expect(page.locator("#totals")).to_contain_text("13 credits")
    page.get_by_role("link", name="Project", exact=True).click()
    expect(first_project(page)).to_have_text("Project 005")
    other = visit(long_ledger)
    other.goto(page.url)
    assert rows(other).all_inner_texts() == rows(page).all_inner_texts()
    expect(panel(other, "Vintage")).to_contain_text("2015")


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


@pytest.mark.parametrize("scripts", [True, False])
def test_chosen_rows_stay_chosen_on_the_next_page_and_a_chip_removes_its_filter(
    visit: Visit, long_ledger: Server, *, scripts: bool
) -> None:
    page = visit(long_ledger, java_script_enabled=scripts)
    page.goto("/credits")
    filtered(page, "Registry", "Gold Standard 65 credits")
    filtered(page, "Status", "Active 65 credits")
    for row in (0, 2):
        rows(page).nth(row).get_by_role("checkbox").check()
    if scripts:
        page.get_by_role("link", name="Next").click()
        expect(page.locator("[data-picked]")).to_have_text("2 chosen, 2 on other pages")
    else:
        page.get_by_role("button", name="Next page").click()
    rows(page).first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Retire", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Retire 286 t")
    page.go_back()
    page.get_by_role("link", name="Remove the filter Registry: Gold Standard").click()
    expect(page.locator("#totals")).to_contain_text(f"{CREDITS} credits")
    assert query(page) == {"status": ["ACTIVE"]}


def picked(page: Page) -> Locator:
    return page.locator("[data-picked]")


def test_back_keeps_the_rows_that_were_chosen_on_the_page_one_comes_from(
    visit: Visit, long_ledger: Server
) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    rows(page).nth(0).get_by_role("checkbox").check()
    page.get_by_role("link", name="Next").click()
    rows(page).nth(1).get_by_role("checkbox").check()
    expect(picked(page)).to_have_text("2 chosen, 1 on other pages")
    page.go_back()
    expect(picked(page)).to_have_text("2 chosen, 1 on other pages")
    expect(rows(page).nth(0).get_by_role("checkbox")).to_be_checked()
    rows(page).nth(0).get_by_role("checkbox").uncheck()
    page.get_by_role("link", name="Next").click()
    expect(picked(page)).to_have_text("1 chosen")
    expect(rows(page).nth(1).get_by_role("checkbox")).to_be_checked()
    page.get_by_role("link", name="Project", exact=True).click()
    expect(picked(page)).to_have_text("1 chosen, 1 on other pages")
    page.get_by_role("link", name="Choose none").click()
    expect(picked(page)).to_have_text("Choose rows to act on several at once:")
    page.reload()
    expect(picked(page)).to_have_text("Choose rows to act on several at once:")


def test_each_list_has_its_own_chosen_rows(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    rows(page).nth(0).get_by_role("checkbox").check()
    page.get_by_label("Search credits").fill("LISTED-04")
    expect(rows(page)).to_have_count(10)
    expect(picked(page)).to_have_text("Choose rows to act on several at once:")
    page.go_back()
    expect(rows(page)).to_have_count(PAGE)
    expect(picked(page)).to_have_text("1 chosen")


def test_more_rows_than_an_address_names_are_not_acted_on(visit: Visit, long_ledger: Server) -> None:
    page = visit(long_ledger)
    page.goto("/credits")
    many = " ".join(str(position) for position in range(1000, 1500))
    page.evaluate("many => sessionStorage.setItem('chosen:', many)", many)
    page.reload()
    sell = page.locator("#chosen").get_by_role("button", name="Sell")
    expect(picked(page)).to_have_text("500 chosen, 500 on other pages")
    expect(sell).to_be_enabled()
    rows(page).nth(0).get_by_role("checkbox").check()
    expect(picked(page)).to_contain_text("At most 500 at once, or all that match")
    expect(sell).to_be_disabled()
