"""From an empty ledger to a retired credit, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, assert_verified_within
from webapp.config import ROOT

SOLD = "Wind Farm Rajasthan"
RETIRED = "Waste-to-Energy Gujarat"


@pytest.mark.parametrize(("dialect", "scripts"), [("sqlite", True), ("postgresql", False)])
def test_a_ledger_is_filled_sold_from_and_retired_from(
    serve: Serve, make_database: MakeDatabase, visit: Visit, dialect: str, *, scripts: bool
) -> None:
    database_url = make_database(dialect)
    page = visit(serve(database_url), java_script_enabled=scripts)
    load_the_samples(page)
    find_in_the_list(page, SOLD, scripts=scripts)
    act(page, SOLD, "Sell", "SOLD", scripts=scripts, buyer="Acme Airlines", reference="INV-7")
    find_in_the_list(page, RETIRED, scripts=scripts)
    act(page, RETIRED, "Retire", "RETIRED", scripts=scripts, beneficiary="Jane Doe", reason="Flights of 2025")
    read_the_history(page)
    read_the_dashboard(page)
    read_the_activity(page)
    import_the_same_file_again(page)
    assert_verified_within(database_url)


def load_the_samples(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("The ledger is empty")).to_be_visible()
    page.get_by_role("button", name="Load the ten sample credits").click()
    expect(page.get_by_text("Nothing is recorded yet")).to_be_visible()
    expect(page.get_by_role("table", name="New").locator("tbody tr")).to_have_count(10)
    page.get_by_role("button", name="Record 10 rows").click()
    expect(page.get_by_text("Recorded 10 rows")).to_be_visible()


def row_of(page: Page, project: str) -> Locator:
    """Return the row of a credit in the list."""
    return page.locator("tbody[id^=credit-]", has=page.get_by_role("link", name=project, exact=True))


def find_in_the_list(page: Page, project: str, *, scripts: bool) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Credits").click()
    expect(page.locator("tbody[id^=credit-]")).to_have_count(10)
    page.get_by_label("Search credits").fill(project.upper())
    if not scripts:
        page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody[id^=credit-]")).to_have_count(1)
    expect(row_of(page, project)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/credits\?q="))


def act(page: Page, project: str, verb: str, status: str, *, scripts: bool, **fields: str) -> None:
    """Sell or retire the credit: in its row with JavaScript, on a page of its own without."""
    row_of(page, project).get_by_role("link", name=f"{verb} {project}").click()
    form = page.get_by_role("form", name=f"{verb} this credit")
    for name, text in fields.items():
        form.locator(f"[name={name}]").fill(text)
    form.get_by_role("button", name=re.compile(f"^{verb} ")).click()
    if scripts:
        expect(row_of(page, project).locator(".tag")).to_have_text(status)
        expect(page.get_by_role("status").filter(has_text=status.capitalize())).to_be_visible()
        row_of(page, project).get_by_role("link", name=project, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(project)
    expect(page.get_by_role("heading", level=1)).to_contain_text(status)


def read_the_history(page: Page) -> None:
    events = page.get_by_role("region", name="History").locator(".event")
    expect(events).to_have_count(2)
    expect(events.first).to_contain_text("Retired")
    expect(events.first).to_contain_text("Jane Doe")
    expect(events.first).to_contain_text("Flights of 2025")
    expect(page.get_by_role("link", name="Sell", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="Retire", exact=True)).to_have_count(0)


def read_the_dashboard(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Dashboard").click()
    cards = page.locator(".stat")
    for label, tonnes, credits in [
        ("Active", "950 t", "8 credits"),
        ("Sold", "200 t", "1 credit"),
        ("Retired", "110 t", "1 credit"),
    ]:
        card = cards.filter(has=page.get_by_text(label, exact=True))
        expect(card).to_contain_text(tonnes)
        expect(card).to_contain_text(credits)
    matrix = page.get_by_role("table", name="Active tonnes by registry and vintage")
    verra = matrix.get_by_role("row", name=re.compile(r"^Verra \(VCS\)"))
    expect(verra.get_by_role("cell").first).to_have_text("250")


def read_the_activity(page: Page) -> None:
    page.get_by_role("link", name="All activity").click()
    events = page.get_by_role("table", name="Activity, newest first").locator("tbody tr")
    expect(events).to_have_count(3)
    expect(events.nth(0)).to_contain_text("Jane Doe")
    expect(events.nth(0)).to_contain_text(RETIRED)
    expect(events.nth(1)).to_contain_text("Acme Airlines")
    expect(events.nth(1)).to_contain_text(SOLD)


def import_the_same_file_again(page: Page) -> None:
    page.get_by_role("banner").get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Drop a file here, or choose one").set_input_files(ROOT / "sample-registry.json")
    page.get_by_role("button", name="Check the file").click()
    # The file says that all is active, and one credit is retired by now.
    expect(page.get_by_text("Nothing to record, and 1 difference")).to_be_visible()
    page.get_by_role("button", name="Close this import").click()
    expect(page.get_by_text("Nothing new was recorded")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Activity").click()
    expect(page.get_by_role("table", name="Activity, newest first").locator("tbody tr")).to_have_count(3)
