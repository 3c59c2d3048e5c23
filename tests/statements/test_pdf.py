"""The statement as PDF: what it says, with texts of every kind."""

import io
import json
from collections.abc import Mapping
from typing import Final

import pytest
from pypdf import PdfReader

from tests.fixtures.acts import RETIREMENT, retired_together
from tests.fixtures.credits import recorded, recorded_with_facts
from webapp.accounts.actors import LOCAL
from webapp.config import ROOT
from webapp.domain.errors import LedgerBusy
from webapp.ledger.acts import act_at
from webapp.ledger.commands import amend_credit
from webapp.statements import pdf, pdf_cache
from webapp.statements.content import Statement, data_of, statement_of
from webapp.statements.pdf import pdf_of
from webapp.statements.pdf_cache import cached_pdf_of

pytestmark = pytest.mark.usefixtures("ledger_app")

SOURCE: Final = '#import "x": * #panic() $x^2$ *bold* `raw` <label> @ref // \\ no'
FONTS: Final = ROOT / "tests" / "data" / "fonts"
BOXES: Final = "Characters shown as boxes"


@pytest.fixture
def dialect() -> str:
    """A document does not depend on the database."""
    return "sqlite"


def retirement(data: Mapping[str, str] = RETIREMENT, **changes: object) -> int:
    """Record a credit and retire it; return the position of the retirement."""
    return retired_together([recorded(**changes)], data)


def read(document: bytes) -> tuple[str, PdfReader]:
    """Return the text of a document, its white space normalised and its breaks in words removed."""
    reader = PdfReader(io.BytesIO(document))
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(text.replace("\u200b", "").replace("\x00", "").split()), reader


def test_the_document_says_what_was_retired_and_has_it_as_data() -> None:
    credit_id = recorded_with_facts(serial_number="VCS-0001")
    statement = statement_of(
        act_at(retired_together([credit_id])), "https://ledger.example.org/acts/2/statement"
    )
    text, reader = read(pdf_of(statement, None))
    event = statement.act.first.event
    for said in ("100 t CO2e retired", "Northwind Airlines", "Flights of 2025", "20 November 2026"):
        assert said in text
    for said in ("VCS 1340", "VCS-0001", credit_id, event.hash, "Event 2", "https://ledger.example.org"):
        assert said in text
    assert json.loads(reader.attachments["statement.json"][0]) == data_of(statement)
    assert "/StructTreeRoot" in reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == "Retirement statement 2"


def test_the_same_statement_gives_the_same_bytes_with_the_date_of_its_last_event() -> None:
    statement = statement_of(act_at(retirement()))
    document = pdf_of(statement, None)
    assert document == pdf_of(statement, None)
    _, reader = read(document)
    assert reader.metadata is not None
    assert reader.metadata.creation_date == statement.updated_at.replace(microsecond=0)
    assert reader.metadata.modification_date == reader.metadata.creation_date


def test_no_text_is_a_part_of_the_template() -> None:
    words = {**RETIREMENT, "beneficiary": SOURCE, "reason": "x" * 300}
    text, reader = read(pdf_of(statement_of(act_at(retirement(words, project_name=SOURCE))), None))
    assert text.replace(" ", "").count(SOURCE.replace(" ", "")) >= 2
    assert "x" * 300 in text.replace(" ", "")
    assert BOXES not in text
    assert len(reader.pages) == 1


def test_characters_that_no_font_has_are_boxes_and_the_document_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pdf, "FONT_FOLDERS", [])
    words = {**RETIREMENT, "beneficiary": "林業株式会社 🌳", "reason": "العربية שלום Ελληνικά Привет"}
    statement = statement_of(act_at(retirement(words)))
    text, reader = read(pdf_of(statement, None))
    assert BOXES in text
    assert "Привет" in text
    data = json.loads(reader.attachments["statement.json"][0])
    assert data["beneficiaries"][0]["beneficiary"] == words["beneficiary"]


def test_a_font_of_the_machine_has_what_the_others_lack_and_changes_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forest = statement_of(act_at(retirement({**RETIREMENT, "beneficiary": "林"}, serial_number="S-1")))
    other = statement_of(act_at(retirement(serial_number="S-2")))
    monkeypatch.setattr(pdf, "FONT_FOLDERS", [])
    plain = pdf_of(other, None)
    assert BOXES in read(pdf_of(forest, None))[0]
    monkeypatch.setattr(pdf, "FONT_FOLDERS", [str(FONTS)])
    text, _ = read(pdf_of(forest, None))
    assert BOXES not in text
    assert "for 林" in text
    assert pdf_of(other, None) == plain


def test_a_document_is_made_once_while_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(statement: Statement, _proof: object) -> bytes:
        made.append(statement.position)
        return bytes(6_000_000)

    monkeypatch.setattr(pdf_cache, "pdf_of", counted)
    positions = [retirement(serial_number=f"S-{n}") for n in range(3)]
    statements = [statement_of(act_at(position)) for position in positions]
    for statement in (statements[0], statements[0], *statements[1:], statements[0]):
        cached_pdf_of(statement, None)
    assert made == [*positions, positions[0]]
    amend_credit(statements[0].act.first.credit.id, {"amends": "2", "beneficiary": "Acme"}, LOCAL)
    cached_pdf_of(statement_of(act_at(positions[0])), None)
    assert made == [*positions, positions[0], positions[0]]


def test_amended_words_are_shown_with_what_was_said_before() -> None:
    credit_id = recorded()
    position = retired_together([credit_id], {**RETIREMENT, "beneficiary": "Nortwind"})
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Northwind", "why": "a secret"}, LOCAL)
    text, _ = read(pdf_of(statement_of(act_at(position)), None))
    assert "for Northwind" in text
    assert "Was Nortwind Is now Northwind" in text
    assert "a secret" not in text


def test_very_many_lots_are_listed_in_the_data_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "LOTS_MAX", 3)
    monkeypatch.setattr(pdf, "GROUPS_MAX", 2)
    ids = [recorded(serial_number=f"S-{n}", vintage=str(2000 + n)) for n in range(4)]
    text, reader = read(pdf_of(statement_of(act_at(retired_together(ids))), None))
    assert "2 more 2 200 t Together 4 400 t" in text
    assert "S-0" not in text
    assert len(json.loads(reader.attachments["statement.json"][0])["credits"]) == 4


def test_a_document_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MEMORY_BYTES_MAX", 90_000_000)
    with pytest.raises(LedgerBusy):
        pdf_of(statement_of(act_at(retirement())), None)


def test_the_evidence_of_a_retirement_is_listed_with_its_hashes() -> None:
    credit_id = recorded()
    one, two = (f"{letter * 64} {letter} file.pdf" for letter in "ab")
    position = retired_together([credit_id], {**RETIREMENT, "evidence": one})
    amend_credit(credit_id, {"amends": "2", "evidence": f"{one}\n{two}"}, LOCAL)
    text, reader = read(pdf_of(statement_of(act_at(position)), None))
    joined = text.replace(" ", "")
    assert f"Evidenceafile.pdf,SHA-256{'a' * 64}bfile.pdf,SHA-256{'b' * 64}" in joined
    assert f"Isnowafile.pdf(SHA-256{'a' * 64});bfile.pdf(SHA-256{'b' * 64})" in joined
    data = json.loads(reader.attachments["statement.json"][0])
    assert data["credits"][0]["evidence"] == f"{one}\n{two}"
