"""Retiring a part, correcting a credit and searching a serial number in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server, assert_verified_within

WHOLE = "19385-941467001-941477000-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
PART = "19385-941467001-941467250-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
REST = "19385-941467251-941477000-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
BOUGHT = "Mangrove Restoration Project"
TYPO = "Wind Fram Rajasthan"
MEANT = "Wind Farm Rajasthan"


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_part_is_retired_a_typo_corrected_and_a_number_found(
    serve: Serve, make_database: MakeDatabase, visit: Visit, *, scripts: bool
) -> None:
    database_url = make_database("sqlite")
    server = serve(database_url)
    record(server)
    page = visit(server, java_script_enabled=scripts)
    retire_a_part(page, scripts=scripts)
    see_the_lots(page)
    correct_the_typo(page)
    find_a_number(page, "941467200", PART, scripts=scripts)
    find_a_number(page, "941476999", REST, scripts=scripts)
    assert_verified_within(database_url)


def record(server: Server) -> None:
    client = server.client()
    client.post("/records", a_credit(project_name=BOUGHT, quantity="10000", serial_number=WHOLE))
    client.post("/records", a_credit(project_name=TYPO, serial_number="WIND-1"))


def retire_a_part(page: Page, *, scripts: bool) -> None:
    page.goto("/credits")
    page.get_by_role("link", name=f"Retire {BOUGHT}").click()
    form = page.get_by_role("form", name="Retire this credit")
    expect(form).to_contain_text("The rest stays active.")
    form.get_by_label("Quantity").fill("250")
    form.get_by_label("Beneficiary", exact=True).fill("Jane Doe")
    if scripts:
        form.get_by_role("button", name="Retire 250 t").click()
        expect(page.locator("tbody[id^=credit-]")).to_have_count(3)
        expect(page.get_by_role("status").filter(has_text="Retired 250 t for Jane Doe")).to_be_visible()
        expect(page.get_by_text("9,750 t stay active")).to_be_visible()
        expect(page.locator("#totals")).to_contain_text("3 credits 10,100 t")
        expect(page.locator("#totals")).to_contain_text("250 t")
        page.locator("tbody", has_text="Jane Doe").get_by_role("rowheader").get_by_role("link").click()
    else:
        form.get_by_role("button", name="Retire").click()
        expect(page.get_by_role("link", name="9,750 t stay active")).to_be_visible()


def see_the_lots(page: Page) -> None:
    """Check the split history on the page of the retired part, then on that of the rest."""
    family = page.get_by_role("region", name="Split history").get_by_role("listitem")
    expect(family).to_have_count(3)
    for place, (tonnes, status, serial) in enumerate(
        [("10,000 t", "SPLIT", WHOLE), ("250 t", "RETIRED", PART), ("9,750 t", "ACTIVE", REST)]
    ):
        for said in (tonnes, status, serial):
            expect(family.nth(place)).to_contain_text(said)
    expect(family.nth(1)).to_contain_text("this credit")
    family.nth(2).get_by_role("link").click()
    expect(family.nth(2)).to_contain_text("this credit")
    expect(page.get_by_role("heading", level=1)).to_contain_text("ACTIVE")


def correct_the_typo(page: Page) -> None:
    page.goto("/credits")
    page.get_by_role("link", name=TYPO, exact=True).click()
    page.get_by_role("link", name="Correct this credit").click()
    expect(page.get_by_label("Serial number")).to_have_value("WIND-1")
    page.get_by_label("Project name").fill(MEANT)
    page.get_by_label("Reason").fill("A typo in the name")
    page.get_by_role("button", name="Record the correction").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MEANT)
    page.get_by_role("link", name=re.compile(f"^{TYPO}")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("VOID")
    expect(page.get_by_text("Void: recorded in error")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(f"^{MEANT}"))).to_be_visible()


def find_a_number(page: Page, number: str, serial: str, *, scripts: bool) -> None:
    page.goto("/credits")
    page.get_by_label("Search credits").fill(f"VCS … {number}")
    if not scripts:
        page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody[id^=credit-]")).to_have_count(1)
    expect(page.locator("tbody[id^=credit-]")).to_contain_text(serial)
