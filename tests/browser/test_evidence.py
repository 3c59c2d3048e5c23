"""A person names a file as evidence, and later finds the act that names it; the file is never sent."""

from hashlib import sha256

from playwright.sync_api import FilePayload, Request, expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import a_credit
from tests.fixtures.proofs import bytes_of, of_one_credit
from tests.fixtures.server import Server
from tests.verifier.test_script import pdf_with

# Larger than the parts in which it is read.
CONTENT = b"contract" * 700_000
CONTRACT: FilePayload = {"name": "contract <1>.pdf", "mimeType": "application/pdf", "buffer": CONTENT}
DIGEST = sha256(CONTENT).hexdigest()


def test_a_file_that_an_act_names_is_found_by_dropping_it_on_the_page(visit: Visit, ledger: Server) -> None:
    record = ledger.client().post("/records", a_credit(serial_number="EVIDENCE-1")).json
    page = visit(ledger)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 (playwright marks the function)
    page.goto(f"/credits/{record['id']}/retire")
    page.get_by_text("Evidence optional").click()
    page.locator("input[data-evidence]").set_input_files(CONTRACT)
    expect(page.get_by_label("Evidence", exact=True)).to_have_value(f"{DIGEST} contract <1>.pdf")
    page.get_by_label("Beneficiary", exact=True).fill("Acme")
    page.get_by_role("button", name="Retire 100 t").click()
    expect(page.get_by_text("contract <1>.pdf")).to_be_visible()
    page.goto("/verify")
    result = page.locator("[data-document-result]")
    page.locator("#document-file").set_input_files(CONTRACT)
    expect(result).to_contain_text(f"SHA-256 of contract <1>.pdf: {DIGEST}")
    expect(result).to_contain_text("names it as “contract <1>.pdf”")
    page.locator("#document-file").set_input_files({**CONTRACT, "buffer": CONTENT[:-1]})
    expect(result).to_contain_text("No act of this ledger names this file.")
    assert not any(b"contractcontract" in (request.post_data_buffer or b"") for request in sent)


def test_a_statement_that_is_chosen_as_a_document_is_said_to_be_one(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/verify")
    hint = "This file has the proof of a statement. To check it, choose it under Statement above."
    result = page.locator("[data-document-result]")
    proof = bytes_of(of_one_credit()[1])
    for name, content in (("proof.json", proof), ("statement.pdf", pdf_with(proof))):
        page.locator("#document-file").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        expect(result).to_contain_text(f"SHA-256 of {name}")
        expect(result).to_contain_text(hint)
    page.locator("#document-file").set_input_files(CONTRACT)
    expect(result).to_contain_text("SHA-256 of contract")
    expect(result).not_to_contain_text(hint)
