"""A form that a browser sends twice is processed once, and the page shows the result."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit, answering_no_write, cut_off
from tests.browser.test_credits import another_credit, record
from tests.fixtures.server import Server

SAID = "It was not done again."


def lots(server: Server, credit_id: str) -> list[object]:
    return [lot["quantity"] for lot in server.client().get(f"/records/{credit_id}").json["lots"]]


def fill_in_part(page: Page) -> None:
    page.locator("[name=quantity]").fill("40")
    page.locator("[name=beneficiary]").fill("Jane Doe")


def test_after_a_lost_answer_the_same_panel_shows_what_was_done(visit: Visit, ledger: Server) -> None:
    credit = another_credit()
    credit_id = record(ledger, credit)
    page = visit(ledger)
    page.goto(f"/credits?q={credit['serial_number']}")
    page.get_by_role("link", name=f"Retire {credit['project_name']}").click()
    fill_in_part(page)
    address = f"**/credits/{credit_id}/retire"
    cut_off(page, "**/nothing-else")  # so that a lost answer is no fault of the page

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(address, lose_the_answer)
    page.get_by_role("button", name="Retire 40 t").click()
    expect(page.locator("#notices")).to_contain_text("The server did not answer")
    page.unroute(address)
    assert lots(ledger, credit_id) == [40, 60]
    page.get_by_role("button", name="Retire 40 t").click()
    expect(page.locator("#toasts")).to_contain_text(SAID)
    expect(page.locator("#totals")).to_contain_text("1 · 60 t")
    assert lots(ledger, credit_id) == [40, 60]


def test_a_double_click_without_scripts_retires_one_part(visit: Visit, ledger: Server) -> None:
    credit_id = record(ledger, another_credit())
    page = visit(ledger, java_script_enabled=False)
    page.goto(f"/credits/{credit_id}/retire")
    fill_in_part(page)
    with answering_no_write(ledger):
        page.get_by_role("button", name=re.compile("Retire")).dblclick()
    # The browser sends one request or two, and of two it shows the answer to either.
    expect(page.get_by_role("heading", level=1)).to_contain_text("RETIRED")
    assert lots(ledger, credit_id) == [40, 60]


def test_a_second_click_without_scripts_leads_to_what_the_first_recorded(
    visit: Visit, ledger: Server
) -> None:
    credit_id = record(ledger, another_credit())
    page = visit(ledger, java_script_enabled=False)
    page.goto(f"/credits/{credit_id}/retire")
    fill_in_part(page)
    address = f"**/credits/{credit_id}/retire"

    def give_up_the_answer(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("aborted")  # as a browser does with a form that is sent again

    page.route(address, give_up_the_answer, times=1)
    button = page.get_by_role("button", name=re.compile("Retire"))
    with page.expect_event("requestfailed"):
        button.click()
    assert lots(ledger, credit_id) == [40, 60]
    button.click()
    expect(page.locator("#toasts")).to_contain_text(SAID)
    expect(page.get_by_role("heading", level=1)).to_contain_text("RETIRED")
    assert lots(ledger, credit_id) == [40, 60]
