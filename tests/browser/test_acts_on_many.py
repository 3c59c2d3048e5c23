"""The day's work in few clicks: a basket is sold, tonnes are retired oldest first."""

import re
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server

CLICKS_MAX: Final = 6


@pytest.fixture
def basket(make_database: MakeDatabase, serve: Serve) -> Server:
    server = serve(make_database("sqlite"))
    credits = [
        a_credit(project_name=f"Project {n}", vintage=2010 + n, quantity=300, serial_number=f"B-{n}")
        for n in range(8)
    ]
    assert server.client().post("/records/imports", credits).json["written"] == len(credits)
    return server


class Counted:
    """A person who clicks, and counts the clicks."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Locator, *, shift: bool = False) -> None:
        self.clicks += 1
        target.click(modifiers=["Shift"] if shift else [])


def boxes(page: Page) -> Locator:
    return page.get_by_role("checkbox", name=re.compile("^Choose Project"))


def test_five_rows_are_sold_to_one_buyer(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.goto("/credits")
    person = Counted(page)
    person.click(boxes(page).nth(1))
    person.click(boxes(page).nth(5), shift=True)
    expect(page.locator("[data-picked]")).to_have_text("5 chosen")
    person.click(page.locator("#chosen").get_by_role("button", name="Sell"))
    expect(page.get_by_label("Buyer")).to_be_focused()
    page.keyboard.type("Acme")
    person.click(page.get_by_role("button", name="Sell 1,500 t"))
    page.wait_for_url("**/acts/*")
    assert person.clicks <= CLICKS_MAX
    sold = basket.client().get("/records?status=SOLD").json["items"]
    assert [item["project_name"] for item in sold] == [f"Project {n}" for n in range(6, 1, -1)]


def test_a_thousand_tonnes_are_retired_oldest_first(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.goto("/credits")
    person = Counted(page)
    person.click(page.get_by_role("link", name="Retire oldest first"))
    expect(page.get_by_role("textbox", name="Tonnes")).to_be_focused()
    page.keyboard.type("1,000")
    person.click(page.get_by_role("button", name="Show what is taken"))
    expect(page.get_by_label("Beneficiary", exact=True)).to_be_focused()
    page.keyboard.type("Hilltop Tools")
    person.click(page.get_by_role("button", name="Retire 1,000 t"))
    page.wait_for_url("**/acts/*")
    assert person.clicks <= CLICKS_MAX
    before = person.clicks
    person.click(page.get_by_role("link", name="Statement"))
    expect(page.get_by_role("article")).to_contain_text("Hilltop Tools")
    with page.expect_response("**/statement.pdf") as sent:
        person.click(page.get_by_role("link", name="PDF"))
    assert sent.value.headers["content-type"] == "application/pdf"
    assert person.clicks - before == 2
    retired = basket.client().get("/records?status=RETIRED").json["items"]
    assert sorted((item["vintage"], item["quantity"]) for item in retired) == [
        (2010, 300), (2011, 300), (2012, 300), (2013, 100)
    ]  # fmt: skip


def test_rows_are_chosen_and_sold_by_keyboard_alone(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.goto("/credits")
    boxes(page).first.focus()
    page.keyboard.press("Space")
    page.locator("#chosen").get_by_role("button", name="Sell").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Buyer")).to_be_focused()
    page.keyboard.type("Acme")
    page.keyboard.press("Enter")
    page.wait_for_url("**/acts/*")
    assert len(basket.client().get("/records?status=SOLD").json["items"]) == 1


def test_on_a_phone_the_bar_comes_into_view_once_a_row_is_chosen(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.set_viewport_size({"width": 390, "height": 600})
    page.goto("/credits")
    sell = page.locator("#chosen").get_by_role("button", name="Sell")
    expect(page.get_by_role("link", name="Retire oldest first")).to_be_in_viewport()
    expect(sell).not_to_be_in_viewport()
    boxes(page).first.check()
    expect(sell).to_be_in_viewport()


def test_after_an_act_in_a_row_the_bar_says_how_many_are_left(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.goto("/credits")
    expect(page.locator("#chosen")).to_contain_text("All 8 that match")
    page.get_by_role("link", name="Sell Project 7").click()
    page.get_by_label("Buyer").fill("Acme")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text("All 7 active that match")


def test_an_act_that_is_recorded_clears_the_chosen_rows(visit: Visit, basket: Server) -> None:
    page = visit(basket)
    page.goto("/credits")
    boxes(page).first.check()
    page.locator("#chosen").get_by_role("button", name="Sell").click()
    page.go_back()
    expect(page.locator("[data-picked]")).to_have_text("1 chosen")
    page.locator("#chosen").get_by_role("button", name="Sell").click()
    page.get_by_label("Buyer").fill("Acme")
    page.keyboard.press("Enter")
    page.wait_for_url("**/acts/*")
    page.goto("/credits")
    expect(page.locator("[data-picked]")).to_have_text("Choose rows to act on several at once:")
