"""A statement, from the retirement to a stranger who has its link."""

from io import BytesIO

from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.conftest import Visit, expects
from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server


def retire(page: Page, server: Server, serial_number: str) -> None:
    """Retire a new credit from its row of the list: in the row with JavaScript, on a page without."""
    credit_id = server.client().post("/records", a_credit(serial_number=serial_number)).json["id"]
    page.goto(f"/credits?q={serial_number}")
    page.locator(f"#credit-{credit_id}").get_by_role("link", name="Retire").click()
    form = page.get_by_role("form", name="Retire this credit")
    form.locator("[name=beneficiary]").fill("Northwind Airlines")
    form.get_by_role("button", name="Retire").click()


def test_the_pdf_of_a_retirement_is_two_clicks_away(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    retire(page, ledger, "STATEMENT-1")
    page.get_by_role("link", name="Statement", exact=True).first.click()
    expect(page.get_by_role("heading", name="100 t CO2e retired")).to_be_visible()
    with page.expect_response("**/statement.pdf") as sent:
        page.get_by_role("link", name="PDF").click()
    assert sent.value.status == 200
    assert sent.value.headers["content-type"] == "application/pdf"


def test_a_link_is_made_opened_by_a_stranger_and_revoked(visit: Visit, ledger: Server) -> None:
    page, stranger = visit(ledger, java_script_enabled=False), visit(ledger)
    retire(page, ledger, "STATEMENT-2")
    page.get_by_role("link", name="Statement", exact=True).first.click()
    page.get_by_role("link", name="Share").click()
    page.get_by_label("Anybody who has the link may see this statement").check()
    page.get_by_role("button", name="Make the link").click()
    address = page.locator(".token-secret code").inner_text()
    stranger.goto(address)
    expect(stranger.get_by_role("heading", name="100 t CO2e retired")).to_be_visible()
    expect(stranger.get_by_role("link")).to_have_text(["PDF", "file proof.json", "Verify it"])
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke the link").click()
    expect(page.get_by_text("Revoked. The link shows nothing from now on.")).to_be_visible()
    expects(stranger, 404)
    stranger.reload()
    expect(stranger.get_by_role("heading", name="No such statement")).to_be_visible()


def test_a_printed_statement_has_one_total_and_says_on_each_page_which_one_it_is(
    visit: Visit, ledger: Server
) -> None:
    client, page = ledger.client(), visit(ledger)
    ids = []
    for n in range(24):
        credit = a_credit(serial_number=f"PRINT-{n}", project_name=f"Project {n}")
        ids.append(client.post("/records", credit).json["id"])
    act = client.post("/acts", {"action": "retire", "records": ids, "data": {}}).json["act"]
    page.goto(f"/acts/{act}/statement")
    printed = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True)))
    texts = [each.extract_text() for each in printed.pages]
    assert "".join(texts).count("Together") == 1
    assert all(f"etirement statement {act}".upper() in text.upper() for text in texts)
    assert "PRINT-23" in texts[-1]
