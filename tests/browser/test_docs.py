"""The API page, with Swagger UI under the content security policy of all pages."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.fixtures.server import Server


def test_an_operation_can_be_tried_on_the_page_about_the_api(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/docs")
    operation = page.locator(".opblock", has_text="/healthz")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text('"status": "ok"')


def test_without_scripts_the_operations_are_listed(visit: Visit, ledger: Server) -> None:
    page = visit(ledger, java_script_enabled=False)
    page.goto("/docs")
    operations = page.get_by_role("main").get_by_role("listitem").filter(has_text="POST /records/{")
    for act in ("sell", "retire", "split", "cancel", "correct"):
        expect(operations.filter(has_text=f"/{act}")).to_have_count(1)
