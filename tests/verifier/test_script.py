"""What ``verify_statement.py`` says of a document, and how it ends."""

import json
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.fixtures.proofs import (
    A_WITNESS,
    FORGER,
    OWN,
    Document,
    Signer,
    bytes_of,
    of_a_lot,
    of_many,
    of_one_credit,
    proofs,
)
from verify_statement import DATA, Invalid, Report, examine, kept_note, key_of
from webapp.config import ROOT
from webapp.domain.action_fields import PART_QUANTITY, RETIREMENT_FIELDS
from webapp.domain.amendment import AMENDS, WHY
from webapp.domain.credit import NEW_FIELDS
from webapp.domain.event import ACT_KEY, IMPORT_KEY
from webapp.domain.facts import FACTS

SCRIPT = ROOT / "verify_statement.py"


def report_on(document: Document, *keys: object, checkpoints: tuple[str, ...] = ()) -> Report:
    given = [key_of(str(key)) for key in keys]
    return examine(bytes_of(document), given, [kept_note(text) for text in checkpoints])


def section(report: Report, head: str) -> list[str]:
    return next(lines for name, lines in report.sections if name == head)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script as a stranger does: alone, without this project on its path."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes, name: str = "proof.json") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_a_proof_is_proven_under_the_key_of_its_log(file: Callable[[bytes], Path]) -> None:
    ended = run(file(bytes_of(of_one_credit()[1])), "--key", OWN.key)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"Proven: signed with the key of {OWN.key.name} that you gave.\n")
    assert "  100 t, serial number VCS-0001, event 2\n" in ended.stdout
    assert ended.stderr == ""


def test_without_a_key_a_proof_is_consistent_and_no_more(file: Callable[[bytes], Path]) -> None:
    ended = run(file(bytes_of(of_one_credit()[1])))
    assert ended.returncode == 3
    assert ended.stdout.startswith("Consistent, but signed by a key I cannot judge.\n")
    assert "anybody can make a log, and a key for it" in ended.stdout


def test_a_changed_proof_ends_with_another_code(file: Callable[[bytes], Path]) -> None:
    changed = bytes_of(of_one_credit()[1]).replace(b"Northwind", b"Southwind")
    ended = run(file(changed), "--key", OWN.key)
    assert (ended.returncode, ended.stdout) == (1, "Not valid: event 2 is not in the log at this position.\n")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--key", "no key", "{file}"], ["--checkpoint", "{file}", "{file}"], ["/nowhere/proof.json"]],
    ids=["nothing", "a key that is none", "a checkpoint that is none", "a file that is not there"],
)
def test_wrong_use_is_said_and_has_a_code_of_its_own(
    file: Callable[[bytes], Path], arguments: list[str]
) -> None:
    path = file(bytes_of(of_one_credit()[1]))
    ended = run(*(each.format(file=path) for each in arguments))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "error: " in ended.stderr


def test_a_forged_log_is_refused_under_the_key_of_the_real_one() -> None:
    _, forged = of_a_lot([FORGER])
    assert report_on(forged).code == 3
    report = report_on(forged, OWN.key)
    assert (report.code, report.verdict) == (
        1,
        f"Not valid: not signed with the key of {OWN.key.name} that you gave.",
    )


def test_the_key_of_the_account_log_is_said_to_be_that_one() -> None:
    _, document = of_one_credit()
    accounts = Signer(1, f"{OWN.key.name}/accounts").key
    said = (
        "the key that you gave is that of the account log, "
        f"and statements are signed with the key of {OWN.key.name}"
    )
    report = report_on(document, accounts)
    assert (report.code, report.verdict) == (
        3,
        f"Consistent, but signed by a key I cannot judge; {said}.",
    )
    assert report_on(document, accounts, OWN.key).code == 0
    other = Signer(2, "other.example/accounts").key
    assert report_on(document, other).code == 1


def test_the_key_of_a_witness_is_enough() -> None:
    report = report_on(of_a_lot()[1], A_WITNESS.key)
    assert report.code == 0
    said = section(report, "What is proven")[2]
    assert said == f"witness.example witnessed it at 2026-11-18T11:06:40Z, with the key {A_WITNESS.key}"


def test_a_proof_is_proven_by_a_checkpoint_that_was_kept(tmp_path: Path) -> None:
    log, document = of_one_credit()
    (tmp_path / "kept").write_text(log.checkpoint(), "utf-8")
    (tmp_path / "proof.json").write_bytes(bytes_of(document))
    ended = run(tmp_path / "proof.json", "--checkpoint", tmp_path / "kept")
    assert ended.returncode == 0
    assert ended.stdout.startswith("Proven: the checkpoint is the one that you gave.\n")
    # Its three lines alone, as a person may have copied them, are enough.
    assert report_on(document, checkpoints=("\n".join(log.checkpoint().split("\n")[:3]),)).code == 0


def test_a_checkpoint_of_another_size_names_the_address_of_its_proof() -> None:
    log, document = of_one_credit()
    log.fill(3)
    report = report_on(document, checkpoints=(log.checkpoint(),))
    assert report.code == 3
    assert report.verdict.endswith("for your checkpoint of size 5 the ledger has /acts/2/proof.json?size=5.")


def test_a_checkpoint_of_another_history_is_named_as_that() -> None:
    other, _ = of_one_credit()
    other.events[1] = other.events[0]
    report = report_on(of_one_credit()[1], OWN.key, checkpoints=(other.checkpoint(),))
    assert (report.code, report.verdict) == (
        1,
        (
            "Not valid: the checkpoint that you gave has the same size and another root, so this log has two "
            "histories."
        ),
    )


def test_a_checkpoint_of_another_log_proves_nothing() -> None:
    log, document = of_one_credit()
    report = report_on(document, checkpoints=(log.checkpoint(origin="other.example/1"),))
    assert (report.code, report.verdict) == (1, "Not valid: the checkpoint that you gave is of another log.")


def test_the_report_reads_the_retirement_out_of_the_texts() -> None:
    report = report_on(of_a_lot()[1], OWN.key)
    assert section(report, "What was retired") == [
        "150 t in 1 lot",
        "Recorded at 2026-11-20T08:00:25.000042Z by user:2",
        "150 t of Mangrove Restoration Project, VCS, VCS 1340, vintage 2023",
        "  Beneficiary: Zoë Ltd",
        f"  Evidence: {1:064x} certificate 1.pdf; {2:064x} certificate 2.pdf",
        "  Occurred on: 2026-11-20",
        "  Retirement id: R-7",
        (
            "  150 t, serial number 19385-941467107-941467256-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
            ", event 26"
        ),
    ]
    assert section(report, "What was amended") == [
        "Event 7 amends event 6; Project id: VCS 1340 instead of VCS 1304; Why: Misread",
        (
            "Event 47 amends event 26; Beneficiary: Zoë Ltd instead of Northwind Airlines; "
            "Reason: nothing instead of Flüge 2025 “一部”; Why: Misspelt"
        ),
    ]


def test_an_act_on_many_is_added_up_by_project() -> None:
    lines = section(report_on(of_many()[1], OWN.key), "What was retired")
    assert lines[0] == "4,034.5678 t in 3 lots"
    assert "2,700 t of Waste-to-Energy Gujarat, GS, vintage 2023" in lines
    assert "  2,700 t, serial number 65.37–2765.37 t of 2765.37 t, event 10" in lines  # noqa: RUF001


def test_a_text_cannot_reorder_or_break_a_line_of_the_report() -> None:
    text = str(report_on(of_many()[1]))
    assert "Southwind\\u202e Rail" in text
    assert "\u202e" not in text


def test_an_amendment_or_a_witness_can_be_left_out_unseen() -> None:
    # An inclusion shows that something was recorded, never that nothing else was. The report says so.
    _, document = of_a_lot()
    document["entries"].pop()
    document["keys"].pop()
    document["checkpoint"] = "\n".join(document["checkpoint"].split("\n")[:-2]) + "\n"
    report = report_on(document, OWN.key)
    assert report.code == 0
    assert "That nothing followed: an amendment after event 54" in section(report, "What is not proven")[1]


def pdf_with(*files: bytes) -> bytes:
    """Return the bytes of a PDF as far as attachments are looked for in it."""
    parts = [b"%PDF-1.7\n"]
    for place, data in enumerate(files, start=1):
        stream = zlib.compress(data)
        head = b"%d 0 obj\n<</Length %d/Type/EmbeddedFile/Filter/FlateDecode/Params<</Size %d>>>>\nstream\n"
        parts += [head % (place, len(stream), len(data)), stream, b"\nendstream\nendobj\n"]
    return b"".join([*parts, b"%%EOF\n"])


def test_a_proof_attached_to_a_pdf_is_found_and_the_pages_are_not_vouched_for() -> None:
    report = examine(pdf_with(b'{"kind":"other"}', bytes_of(of_one_credit()[1])), [], [])
    assert report.code == 3
    assert "What the pages of the PDF show: only the proof attached to it was checked" in str(report)


NO_PROOF = "this is no proof of a retirement. Choose the file proof.json of a statement, or its PDF"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"serial,quantity\nVCS-1,100\n", NO_PROOF),
        (b"\x00\xff" * 25_000_000, NO_PROOF),
        (b"x" * 100_000_001, "the file is larger than 100 MB"),
        (b'{"kind":"carbon-credit-ledger/retirement-statement","version":1}', NO_PROOF),
        (b"[" * 100_000, NO_PROOF),
        (
            pdf_with(b"{}"),
            "this PDF has no proof attached. A statement that its ledger can prove has one",
        ),
        (pdf_with(*[bytes_of(proofs()[0])] * 2), "this PDF has more than one proof attached"),
        (json.dumps(proofs()[0]).encode(), "the document is not in its one byte form"),
        (bytes_of(proofs()[0])[:-1], "the document is not in its one byte form"),
        (bytes_of({**proofs()[0], "version": 2}), "the document is not of version 1"),
        (bytes_of({**proofs()[0], "extra": 1}), "the document is not of version 1"),
    ],
    ids=[
        *("empty", "CSV", "50 MB", "100 MB", "the data of a statement", "brackets", "a PDF without a proof"),
        *("a PDF with two", "spaces", "no newline", "version 2", "another field"),
    ],
)
def test_another_file_gets_a_clear_sentence(data: bytes, reason: str) -> None:
    assert examine(data, [key_of(str(OWN.key))], []) == Report(1, f"Not valid: {reason}.", [])


def test_the_script_knows_the_data_of_events_as_the_ledger_records_them() -> None:
    retirement = {field.name for field in RETIREMENT_FIELDS if field is not PART_QUANTITY}
    words = retirement | {FACTS, ACT_KEY, IMPORT_KEY}
    created = {field.name for field in NEW_FIELDS} | {"parent", "offset", FACTS, IMPORT_KEY}
    required = {field.name for field in NEW_FIELDS if field.required}
    assert {
        "AMENDED": ({AMENDS}, words | {WHY.name}),
        "CREATED": (required, created - required),
        "RETIRED": (set(), words),
        "SPLIT": ({"quantities"}, set()),
    } == DATA


def key_text(name: str, kind: int, public: bytes) -> str:
    data = bytes([kind]) + public
    key_id = sha256(f"{name}\n".encode() + data).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (key_text("log", 2, bytes(32)), "the key of log is none of Ed25519"),
        (key_text("log", 1, bytes(31)), "the key of log is none of Ed25519"),
        (key_text("log", 1, bytes(32)).replace("log+", "other+"), "the id in the key of other does not"),
        (key_text("log", 1, bytes(32))[:-4] + "A===", "a key is not a name, an id and base64"),
        (key_text("log", 1, bytes(32)) + "=", "the key of log is not canonical base64"),
        ("log+00000000", "a key is not a name, an id and base64"),
    ],
    ids=["another type", "short", "another name", "odd base64", "more padding", "no bytes"],
)
def test_a_key_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=f"^{reason}"):
        key_of(text)


def test_base64_has_one_spelling_and_no_other_for_the_same_bytes() -> None:
    document = of_one_credit()[1]
    note = document["checkpoint"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters[letters.index(note[-3]) + 1]
    changed = f"{note[:-3]}{last}=\n"
    old, new = (b64decode(text.rpartition(" ")[2]) for text in (note, changed))
    assert old == new
    report = report_on({**document, "checkpoint": changed}, OWN.key)
    assert report.verdict == f"Not valid: the signature of {OWN.key.name} is not canonical base64."


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"position": "1"}, {"path": ["A" * 64]}, {"path": ["a" * 62]}, {"path": [1]}, {"text": 1}],
    ids=str,
)
def test_an_entry_has_one_form(change: Document) -> None:
    document = of_one_credit()[1]
    document["entries"][0] |= change
    reason = "an entry is not a path of hashes, a position and a text"
    assert report_on(document).verdict == f"Not valid: {reason}."


@pytest.mark.parametrize("positions", [(2, 1), (1, 1, 2), (0, 2), (1, 3)], ids=str)
def test_entries_are_in_order_and_in_the_log(positions: tuple[int, ...]) -> None:
    document = of_one_credit()[1]
    known = {entry["position"]: entry for entry in document["entries"]}
    document["entries"] = [{**known.get(each, known[1]), "position": each} for each in positions]
    assert "is out of order or not in the log" in report_on(document).verdict


def test_a_reader_that_stops_reading_does_not_change_the_code(file: Callable[[bytes], Path]) -> None:
    proof = file(bytes_of(of_one_credit()[1]))
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--key", str(OWN.key), str(proof)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (0, b"")
