"""Words are amended and a sale is reversed: by clicks, by keyboard alone, and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server

COUNT: str = (
    "addEventListener('click', () => sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1, true)"
)


def recorded(ledger: Server, serial: str, act: str, values: dict[str, object]) -> str:
    client = ledger.client()
    credit_id = str(client.post("/records", a_credit(serial_number=serial)).json["id"])
    client.post(f"/records/{credit_id}/{act}", values)
    return credit_id


def misspelt(ledger: Server, serial: str) -> str:
    return recorded(ledger, serial, "retire", {"beneficiary": "Acne Airlines"})


def expect_amended(page: Page) -> None:
    expect(page.get_by_text("Retired for Acme Airlines", exact=True)).to_be_visible()
    expect(page.get_by_text("beneficiary was Acne Airlines. Misspelt")).to_be_visible()


def test_a_beneficiary_is_amended_in_four_clicks(ledger: Server, visit: Visit) -> None:
    page = visit(ledger)
    page.add_init_script(COUNT)
    page.goto(f"/credits/{misspelt(ledger, 'amend-1')}")
    page.get_by_role("link", name="Amend", exact=True).first.click()
    expect(page.get_by_label("Beneficiary", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Acme Airlines")
    page.get_by_label("Why").click()
    page.keyboard.type("Misspelt")
    page.get_by_role("button", name="Save amendment").click()
    expect_amended(page)
    assert int(page.evaluate("sessionStorage.clicks")) <= 4


def test_a_beneficiary_is_amended_by_keyboard_alone(ledger: Server, visit: Visit) -> None:
    page = visit(ledger)
    page.goto(f"/credits/{misspelt(ledger, 'amend-2')}")
    tab_to(page, "Amend")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Beneficiary", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Acme Airlines")
    tab_to(page, "why")
    page.keyboard.type("Misspelt")
    tab_to(page, "Save amendment")
    page.keyboard.press("Enter")
    expect_amended(page)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focused element has this text or this name."""
    focused = "document.activeElement.innerText?.trim() || document.activeElement.name"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == name:
            return
    raise AssertionError(f"no Tab reaches {name}")


def test_a_beneficiary_is_amended_without_javascript(ledger: Server, visit: Visit) -> None:
    page = visit(ledger, java_script_enabled=False)
    page.goto(f"/credits/{misspelt(ledger, 'amend-3')}")
    page.get_by_role("link", name="Amend", exact=True).first.click()
    page.get_by_label("Beneficiary", exact=True).fill("Acme Airlines")
    page.get_by_label("Why").fill("Misspelt")
    page.get_by_role("button", name="Save amendment").click()
    expect_amended(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_part_of_a_sale_is_reversed(ledger: Server, visit: Visit, *, scripts: bool) -> None:
    credit_id = recorded(ledger, f"reverse-{scripts}", "sell", {"buyer": "Acme Airlines"})
    page = visit(ledger, java_script_enabled=scripts)
    page.goto(f"/credits/{credit_id}")
    page.get_by_role("link", name="Reverse sale").click()
    page.get_by_label("Quantity").fill("40")
    page.get_by_label("Reason").fill("Too many")
    page.get_by_role("button", name="Reverse the sale of").click()
    expect(page.get_by_text("The sale of 40 t is reversed: they are active again.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ACTIVE")
