"""The check of a statement in the browser: it agrees with the script, and sends nothing."""

import base64
import random
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import Visit
from tests.fixtures.proofs import A_WITNESS, FORGER, OWN, Signer, bytes_of, of_a_lot, of_one_credit, proofs
from tests.fixtures.random_cases import cases
from tests.fixtures.server import Server
from tests.verifier.test_script import pdf_with
from tests.verifier.vectors import SMALL_ORDER, vectors
from verify_statement import examine, kept_note, key_of
from webapp.web.verifier import MODULES

VECTORS: Final = """async vectors => {
  const { isSignature } = await import("/static/js/verify/ed25519.js");
  const { fromHex } = await import("/static/js/verify/hashes.js");
  return vectors.map(parts => isSignature(...parts.map(fromHex)));
}"""
REPORTS: Final = """async ([documents, keys, checkpoints]) => {
  const { examine, textOf } = await import("/static/js/verify/proof.js");
  const { keptNote, keyOf } = await import("/static/js/verify/forms.js");
  const reports = [];
  for (const text of documents) {
    const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
    const report = await examine(bytes, keys.map(keyOf), checkpoints.map(keptNote));
    reports.push([report.code, textOf(report)]);
  }
  return reports;
}"""
HASHES: Final = """async sizes => {
  const { hexOf, sha256, sha512 } = await import("/static/js/verify/hashes.js");
  const hash = async (name, bytes) => hexOf(new Uint8Array(await crypto.subtle.digest(name, bytes)));
  const wrong = [];
  for (const size of sizes) {
    const bytes = new Uint8Array(size).map((_, place) => place * 7);
    if (hexOf(sha256(bytes)) !== await hash("SHA-256", bytes)) wrong.push(["SHA-256", size]);
    if (hexOf(sha512(bytes)) !== await hash("SHA-512", bytes)) wrong.push(["SHA-512", size]);
  }
  return wrong;
}"""


def by_the_page(page: Page, documents: list[bytes], keys: list[str], checkpoints: list[str]) -> Any:  # noqa: ANN401
    encoded = [base64.b64encode(document).decode() for document in documents]
    return page.evaluate(REPORTS, [encoded, keys, checkpoints])


def by_the_script(documents: list[bytes], keys: list[str], checkpoints: list[str]) -> list[list[object]]:
    given, kept = [key_of(key) for key in keys], [kept_note(text) for text in checkpoints]
    reports = [examine(document, given, kept) for document in documents]
    return [[report.code, str(report)] for report in reports]


def as_file(data: bytes, name: str = "proof.json") -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_the_browser_judges_every_vector_as_the_script_and_the_library_do(
    visit: Visit, ledger: Server
) -> None:
    page = visit(ledger)
    page.goto("/verify")
    known = list(vectors())
    judged = page.evaluate(VECTORS, [list(vector[1:4]) for vector in known])
    assert judged == [vector.is_valid for vector in known]
    forged = [[public, "00", SMALL_ORDER[0] + "00" * 32] for public in SMALL_ORDER]
    assert page.evaluate(VECTORS, forged) == [False] * len(forged)


def test_the_hashes_are_those_of_the_browser_itself(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/verify")
    assert page.evaluate(HASHES, [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 1000]) == []


def test_the_browser_needs_no_hash_or_signature_of_its_own() -> None:
    # They are absent on plain HTTP, other than at localhost.
    assert [path.name for path in MODULES if "crypto" in path.read_text("utf-8").split("\n", 3)[3]] == []


def test_script_and_browser_say_the_same_of_the_same_documents(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/verify")
    log, document = of_a_lot()
    changed, longer = of_a_lot()[0], of_a_lot()[0]
    changed.events[0] = changed.events[1]
    longer.fill(1)
    others = [b"", b"a,b\n1,2\n", b"\xff" * 9, b"{}", b"[" * 50_000, bytes_of(document)[:-1]]
    documents = [
        *(bytes_of(each) for each in proofs()),
        *(pdf_with(b"{}", bytes_of(each)) for each in proofs()),
        pdf_with(b"{}"),
        pdf_with(bytes_of(document), bytes_of(document)),
        *others,
    ]
    for keys, checkpoints in (
        ([], []),
        ([str(OWN.key)], []),
        ([str(A_WITNESS.key), str(FORGER.key)], []),
        ([str(FORGER.key)], []),
        ([str(Signer(1, f"{OWN.key.name}/accounts").key)], []),
        ([], [log.checkpoint()]),
        ([str(OWN.key)], [changed.checkpoint()]),
        ([], [longer.checkpoint()]),
        ([], [log.checkpoint(origin="other.example/1")]),
    ):
        assert by_the_page(page, documents, keys, checkpoints) == by_the_script(documents, keys, checkpoints)


@pytest.mark.random
def test_a_flipped_byte_is_refused_with_the_same_words(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/verify")
    data = bytes_of(of_a_lot()[1])
    chance = random.Random(3)  # noqa: S311 - the same each time
    documents = []
    for place in sorted(chance.sample(range(len(data)), min(cases(200), len(data)))):
        flipped = data[place] ^ 1 << chance.randrange(8)
        documents.append(data[:place] + bytes([flipped]) + data[place + 1 :])
    said = by_the_script(documents, [str(OWN.key)], [])
    assert {code for code, _ in said} == {1}
    assert by_the_page(page, documents, [str(OWN.key)], []) == said


def test_a_stranger_chooses_a_file_and_nothing_is_sent(visit: Visit, ledger: Server) -> None:
    page = visit(ledger)
    page.goto("/verify")
    page.wait_for_load_state("networkidle")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    result = page.locator("[data-verdict]")
    page.locator("#verifier-file").set_input_files(as_file(bytes_of(of_one_credit()[1])))
    expect(result).to_contain_text("Consistent, but signed by a key I cannot judge.")
    expect(result).to_have_attribute("role", "status")
    page.get_by_label("Key optional").fill(str(OWN.key))
    page.get_by_role("button", name="Check").click()
    expect(result).to_contain_text("Proven: signed with the key of ledger.example/0123456789abcdef")
    expect(page.get_by_text("100 t in 1 lot")).to_be_visible()
    expect(page.locator("[data-details] code", has_text=str(OWN.key))).to_be_visible()
    page.get_by_label("Key optional").fill("")
    page.get_by_label("Checkpoint optional").fill(of_one_credit()[0].checkpoint())
    page.get_by_role("button", name="Check").click()
    expect(result).to_contain_text("Proven: the checkpoint is the one that you gave.")
    assert sent == []


def test_wrong_input_gets_a_clear_sentence(visit: Visit, ledger: Server, tmp_path: Path) -> None:
    page = visit(ledger)
    page.goto("/verify")
    result = page.locator("[data-verdict]")
    page.get_by_role("button", name="Check").click()
    expect(result).to_contain_text("Not checked: choose a file first.")
    large, larger = tmp_path / "large.pdf", tmp_path / "larger.csv"
    large.write_bytes(b"%PDF-1.7\n" + b"\x00\xff" * 25_000_000)
    with larger.open("wb") as file:
        file.truncate(100_000_001)
    for chosen, sentence in (
        (large, "Not valid: this PDF has no proof attached."),
        (larger, "Not checked: the file is larger than 100 MB."),
        (as_file(b"", "empty.pdf"), "Not valid: the file is empty."),
        (as_file(b"serial;tonnes\n1;2\n", "list.csv"), "Not valid: this is no proof of a retirement."),
    ):
        page.locator("#verifier-file").set_input_files(chosen)
        expect(result).to_contain_text(sentence)
    expect(result).to_contain_text("To find the acts that name this file, choose it under Document below.")
    page.get_by_label("Key optional").fill("nothing")
    page.get_by_role("button", name="Check").click()
    expect(result).to_contain_text("Not checked: a key is not a name, an id and base64")


def test_the_downloaded_page_works_from_a_file_without_a_network(
    browser: Browser, ledger: Server, tmp_path: Path
) -> None:
    path = tmp_path / "verify.html"
    path.write_bytes(ledger.client().get("/verify/verify.html").body)
    context = browser.new_context(offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.get_by_label("Key optional").fill(str(OWN.key))
    page.locator("#verifier-file").set_input_files(as_file(bytes_of(of_a_lot()[1])))
    expect(page.locator("[data-verdict]")).to_contain_text("Proven: signed with the key of")
    page.locator("#verifier-file").set_input_files(as_file(pdf_with(bytes_of(of_one_credit()[1])), "s.pdf"))
    expect(page.locator("[data-details]")).to_contain_text("What the pages of the PDF show")
    assert wrong == []
    # Its policy lets no other script run, and nothing be sent.
    page.evaluate("""() => {
      document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = true" }));
      document.body.append(Object.assign(document.createElement("img"), { src: "data:image/gif;base64,R0" }));
    }""")
    assert page.evaluate("window.ran") is None
    context.close()
    assert [text for text in wrong if "Content Security Policy" not in text] == []
    assert wrong
