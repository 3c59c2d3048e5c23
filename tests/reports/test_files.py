"""The files of reports: the same bytes again, and what programs read in them."""

import csv
import io
import json
from datetime import date
from zipfile import ZipFile

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from tests.reports.conftest import both_databases
from tests.reports.ledger import a_year, change_later, now, report, retired_for
from webapp.reports.files import TYPES, file_of
from webapp.reports.question import Kind

pytestmark = pytest.mark.usefixtures("ledger_app")

FORMULA = "=cmd|' /C calc'!A0"


def file(ending: str, kind: Kind = Kind.ESRS, **more: str) -> bytes:
    found = report(kind, **more)
    with file_of(found, ending, found.question.address) as opened:
        return opened.read()


@both_databases
@pytest.mark.parametrize("kind", Kind)
def test_with_its_time_of_knowledge_a_report_is_the_same_bytes_whatever_is_recorded_later(kind: Kind) -> None:
    ids = a_year()
    known_at = now()
    before = {ending: file(ending, kind) for ending in TYPES}
    change_later(ids)
    assert {ending: file(ending, kind, known_at=known_at) for ending in TYPES} == before
    assert file("json", kind) != before["json"]


def test_no_format_of_a_report_has_the_word_neutral() -> None:
    ids = a_year()
    known_at = now()
    change_later(ids)
    for kind in Kind:
        texts = [file(ending, kind, compared_with=known_at).decode() for ending in ("csv", "json")]
        texts.append(text_of(file("pdf", kind, compared_with=known_at)))
        assert not any("neutral" in text.casefold() for text in texts)


def text_of(document: bytes) -> str:
    reader = PdfReader(io.BytesIO(document))
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(text.replace("\u200b", "").replace("\x00", "").split())


def test_the_pdf_says_the_figures_and_has_them_as_data() -> None:
    a_year()
    document = file("pdf")
    text = text_of(document)
    for said in (
        "1,000 t CO2e retired",
        "Acme Airlines",
        "Removal, biogenic 400 t 80 % 1",
        "date not stated 70 t",
    ):
        assert said in text
    reader = PdfReader(io.BytesIO(document))
    data = json.loads(reader.attachments["report.json"][0])
    assert data["tonnes"] == "1000"
    assert reader.metadata is not None
    assert reader.metadata.title == "ESRS E1-7: carbon credits cancelled, 2025"


def test_the_workbook_reads_back_with_numbers_as_numbers_and_every_text_as_text() -> None:
    retired_for("Acme Airlines", "2025-03-01", "1234.5678", project_name=FORMULA)
    workbook = file("xlsx")
    assert f">{now()[:19]}Z<" in ZipFile(io.BytesIO(workbook)).read("docProps/core.xml").decode()
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
    assert book.sheet_names == ["Report", "Retirements"]
    heading, row = book.get_sheet_by_name("Retirements").to_python()
    read = dict(zip(heading, row, strict=True))
    assert (read["Project"], read["Tonnes"], read["Date"]) == (FORMULA, 1234.5678, date(2025, 3, 1))
    figures = book.get_sheet_by_name("Report").to_python()
    assert ["Total cancelled", 1234.5678, 1.0, 1] in [each[:4] for each in figures]


def test_no_cell_of_the_csv_is_a_formula() -> None:
    facts = {"programme": "+1", "country": f"Kenya;{FORMULA}"}
    retired_for("Acme Airlines", "2025-03-01", "5", facts, project_name=FORMULA)
    cells = {cell for row in csv.reader(io.StringIO(file("csv").decode("utf-8-sig"))) for cell in row}
    assert {f"'{FORMULA}", "'+1", f"Kenya;'{FORMULA}"} <= cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_the_data_have_every_retirement_with_the_act_that_it_leads_to() -> None:
    a_year()
    data = json.loads(file("json", Kind.YEARLY))
    assert [act["tonnes"] for act in data["acts"]] == ["400", "100", "250.5", "149.5", "100"]
    assert data["retirements"] == len(data["acts"]) == len({act["act"] for act in data["acts"]})
    assert json.loads(file("json", year="2019"))["acts"] == []
