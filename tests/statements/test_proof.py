"""The proof of a statement, made from the ledger and checked by the script that knows nothing of it."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from tests.fixtures.acts import retired_together
from tests.fixtures.credits import recorded, recorded_with_facts
from tests.fixtures.ledger import RawClient, log_keys_of
from tests.fixtures.log import fill, signed_size
from tests.fixtures.proofs import Signer, bytes_of
from tests.ledger.audit.tampering import tamper
from tests.verifier.test_script import section
from verify_statement import Report, examine, kept_note, key_of
from webapp.accounts.actors import LOCAL
from webapp.domain.checkpoint_destinations import Destination, Kind
from webapp.domain.errors import LogNotSigned
from webapp.domain.signed_note import SignatureType
from webapp.ledger.acts import act_at
from webapp.ledger.commands import amend_credit, retire_credit, sell_credit, split_credit
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import checkpoints, destinations
from webapp.ledger.transparency.stored_checkpoints import add_cosignature
from webapp.statements.content import statement_of
from webapp.statements.pdf import pdf_of
from webapp.statements.proof import disclosed_by, proof_of

pytestmark = pytest.mark.usefixtures("ledger_app")


def report_on(position: int) -> Report:
    """Check the proof of an act with the registered keys."""
    document = proof_of(statement_of(act_at(position))).document
    return examine(document, [key_of(str(checkpoints.keys()[0]))], [])


def positions_in(position: int) -> list[int]:
    document = json.loads(proof_of(statement_of(act_at(position))).document)
    return [entry["position"] for entry in document["entries"]]


def test_a_retirement_is_proven_under_the_key_of_the_ledger() -> None:
    fill(1, 300)
    credit_id = recorded_with_facts(serial_number="X-1")
    report = report_on(retired_together([credit_id]))
    assert report.code == 0
    assert section(report, "What was retired")[:3] == [
        "100 t in 1 lot",
        f"Recorded at {act_at(302).recorded_at} by local",
        "100 t of Mangrove Restoration Project, VCS, VCS 1340, vintage 2023",
    ]


def test_the_proof_of_a_lot_goes_up_to_its_root_and_names_no_buyer() -> None:
    root = recorded(serial_number="VCS-0001")
    sell_credit(root, {"buyer": "Acme"}, LOCAL)
    lot = split_credit(root, {"quantities": ["40", "60"]}, LOCAL).record.relations.lots[0].id
    retired = retire_credit(lot, {"quantity": "10", "beneficiary": "Zoë"}, LOCAL)
    position = retired.record.last_counting.position
    amend_credit(root, {"amends": "1", "facts": {"country": "Kenya"}}, LOCAL)
    amend_credit(root, {"amends": "2", "buyer": "Somebody"}, LOCAL)
    assert report_on(position).code == 0
    document = proof_of(statement_of(act_at(position))).document.decode()
    assert "buyer" not in document
    # The root with its split and the amendment of its facts; the lot with its split; the lot that is retired.
    assert positions_in(position) == [1, 3, 4, 8, 9, position, position + 1]


def test_an_act_on_many_lots_is_proven_as_one() -> None:
    ids = [recorded(serial_number=f"S-{number}") for number in range(3)]
    position = retired_together(ids, part_of_last=250_000)
    amend_credit(ids[0], {"amends": "2", "beneficiary": "Zoë", "why": "Misspelt"}, LOCAL)
    report = report_on(position)
    assert report.code == 0
    assert section(report, "What was retired")[0] == "225 t in 3 lots"
    assert section(report, "What was amended")[0].endswith("Why: Misspelt")


def test_a_proof_for_an_earlier_size_is_by_the_checkpoint_that_was_kept() -> None:
    position = retired_together([recorded()])
    size = signed_size()
    kept = checkpoints.at_size(size)
    assert kept is not None
    amend_credit(act_at(position).first.credit.id, {"amends": "2", "beneficiary": "Zoë"}, LOCAL)
    assert signed_size() == size + 1
    statement = statement_of(act_at(position))
    report = examine(proof_of(statement, size).document, [], [kept_note(kept.note)])
    assert report.code == 0
    assert "Beneficiary: Zoë" not in str(report)


def test_the_pdf_has_the_proof_attached_and_the_same_bytes_under_the_same_checkpoint() -> None:
    statement = statement_of(act_at(retired_together([recorded()])))
    proof = proof_of(statement)
    pdf = pdf_of(statement, proof)
    assert pdf == pdf_of(statement, proof_of(statement))
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.attachments["proof.json"] == [proof.document]
    text = "".join(page.extract_text() for page in reader.pages).replace("\n", "")
    assert proof.checkpoint.root.hex() in text
    assert examine(pdf, [key_of(proof.key)], []).code == 0


def test_without_a_signature_the_statement_is_made_and_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = retired_together([recorded()])

    def refuse(_position: int) -> None:
        raise LogNotSigned("The key is not in /a/folder/of/this/host.")

    monkeypatch.setattr(checkpoints, "covering", refuse)
    page = client.get(f"/acts/{position}/statement")
    assert "cannot sign its log" in page.text
    pdf = client.get(f"/acts/{position}/statement.pdf")
    reader = PdfReader(io.BytesIO(pdf.data))
    assert list(reader.attachments) == ["statement.json"]
    assert "has no proof" in reader.pages[0].extract_text()
    refused = client.get(f"/acts/{position}/proof.json")
    assert refused.status_code == 503
    assert "/a/folder" not in refused.text + page.text


def test_a_program_is_told_in_json_why_there_is_no_proof(client: FlaskClient, raw: RawClient) -> None:
    position = retired_together([recorded()])
    signed_size()
    tamper(raw, "UPDATE events SET hash = ?", bytes(32))
    credit_id = recorded(serial_number="VCS-2")
    address = f"/acts/{retired_together([credit_id])}/proof.json"
    refused = client.get(address)
    assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
    assert "the log here is not the one that was signed" in refused.get_json()["detail"]
    assert "Retry-After" not in refused.headers
    page = client.get(address, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "the log here is not the one that was signed" in page.text
    assert client.get(f"/acts/{position}/proof.json").status_code == 200


def test_a_host_without_the_key_says_when_to_ask_again(client: FlaskClient, database_url: str) -> None:
    first = retired_together([recorded()])
    signed_size()
    shutil.rmtree(log_keys_of(database_url))
    later = retired_together([recorded(serial_number="VCS-2")])
    refused = client.get(f"/acts/{later}/proof.json")
    assert "does not have the log's key" in refused.get_json()["detail"]
    assert refused.headers["Retry-After"] == "5"
    assert client.get(f"/acts/{first}/proof.json").status_code == 200


def test_a_witness_that_is_sent_nothing_any_more_stays_in_proofs() -> None:
    statement = statement_of(act_at(retired_together([recorded()])))
    signed = checkpoints.covering(2)
    witness = Signer(3, "witness.example", SignatureType.COSIGNATURE)
    target = Destination(Kind.WITNESS, "http://witness.example", witness.key)
    line = witness.sign(signed.checkpoint.text).line
    destinations.store_cosignature(target, checkpoints.Tree.EVENTS, signed, f"{line}\n")
    destinations.use(db.engine, [])
    assert [key.name for key in proof_of(statement).keys] == [signed.checkpoint.origin, "witness.example"]


@pytest.mark.parametrize(
    ("size", "status"), [("", 422), ("x", 422), ("2.0", 422), ("7", 404), ("1", 404), ("2", 200)]
)
def test_a_size_is_that_of_a_checkpoint_that_includes_the_retirement(
    client: FlaskClient, size: str, status: int
) -> None:
    credit_id = recorded()
    signed_size()
    position = retired_together([credit_id])
    signed_size()
    assert client.get(f"/acts/{position}/proof.json?size={size}").status_code == status


def test_a_proof_has_the_cosignatures_of_the_witnesses_whose_keys_are_known(raw: RawClient) -> None:
    statement = statement_of(act_at(retired_together([recorded()])))
    signed = checkpoints.covering(2)
    witness = Signer(3, "witness.example", SignatureType.COSIGNATURE)
    unknown = Signer(4, "other.example", SignatureType.COSIGNATURE)
    for each in (unknown, witness):
        line = each.sign(signed.checkpoint.text).line
        transact(
            lambda connection, name=each.key.name, line=line: add_cosignature(  # type: ignore[misc]
                connection, checkpoints.Tree.EVENTS, signed, name, line, signed.signed_at
            ),
            unconditional=True,
        )
    destinations.use(db.engine, [Destination(Kind.WITNESS, "http://witness.example", witness.key)])
    assert raw.execute("SELECT count(*) FROM cosignatures") == [(2,)]
    proof = proof_of(statement)
    assert [key.name for key in proof.keys] == [signed.checkpoint.origin, "witness.example"]
    assert examine(proof.document, [key_of(str(witness.key))], []).code == 0


def test_the_page_shows_what_the_proof_is_by(client: FlaskClient) -> None:
    position = retired_together([recorded()])
    page = client.get(f"/acts/{position}/statement").text
    document: dict[str, Any] = client.get(f"/acts/{position}/proof.json").json or {}
    origin, size, _ = document["checkpoint"].split("\n", 2)
    for said in (origin, f"<dd>{size}</dd>", document["keys"][0], f"/acts/{position}/proof.json", "/verify"):
        assert said in page
    assert client.get(f"/acts/{position}/proof.json").data == bytes_of(document)


def test_a_proof_is_checked_with_no_ledger_anywhere(tmp_path: Path) -> None:
    proof = proof_of(statement_of(act_at(retired_together([recorded()]))))
    (tmp_path / "proof.json").write_bytes(proof.document)
    (tmp_path / "verify_statement.py").write_bytes(Path("verify_statement.py").read_bytes())
    command = [sys.executable, "-I", "-S", "verify_statement.py", "--key", proof.key, "proof.json"]
    ended = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout[:7]) == (0, "Proven:")


def test_who_shares_a_statement_is_told_what_the_proof_says_beside_it() -> None:
    credit_id = recorded_with_facts()
    retire_credit(credit_id, {"note": "paid 12.40 USD a tonne"}, LOCAL)
    amend_credit(credit_id, {"amends": "1", "facts": {"country": "Kenya"}, "why": "Misread"}, LOCAL)
    amend_credit(credit_id, {"amends": "2", "note": "paid less", "why": "Typo"}, LOCAL)
    disclosed = disclosed_by(statement_of(act_at(2)))
    assert disclosed.actors == ["local"]
    assert disclosed.notes == ["paid 12.40 USD a tonne", "paid less"]
    assert disclosed.whys == ["Misread", "Typo"]
