import csv
import io
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import COLUMNS_MAX, ROW_CHARACTERS_MAX, ROWS_MAX
from webapp.imports.readers.csv_file import DELIMITERS
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind, ReadAs, Source
from webapp.imports.readers.text_encoding import ENCODINGS

Quoting = Literal[0, 1]
HEADERS = "project_name,registry,vintage,quantity\n"


def csv_source(text: str, read_as: ReadAs | None = None, encoding: str = "utf-8") -> Source:
    source = read_source(text.encode(encoding), read_as or ReadAs())
    assert source.kind is FileKind.CSV
    return source


def values_of(source: Source) -> list[list[object]]:
    return [list(row.values.values()) for row in source.rows]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("name,quantity\nA,1\nB,2\n", ","),
        ("name;quantity\nA;1,5\nB;2,5\n", ";"),
        ("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n7,5;8,5;9,5\n", ";"),
        ("name\tnote\nA, B\tx; y\nC, D\tz\n", "\t"),
        ("name|quantity\nA, B|1,000\n", "|"),
        ("Name, Place;Year\nA, B;2020\nC, D;2021\n", ";"),
        ('name,goals,quantity\nA,"7; 13",1\nB,"7; 8; 13",2\n', ","),
        ('name;note\n"A, B, C";"x, y, z"\n"D, E, F";"x, y, z"\n', ";"),
        ("Holdings, as of today\nname;registry;quantity\nA;VCS;1,5\nB;VCS;2\n", ";"),
        ("serial\nA-1\nA-2\n", ","),
        ('sep=|\nname|note\nA|"b, c"\n', "|"),
        ("sep=;\r\na,b\r\n1,2\r\n", ";"),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    assert csv_source(text).delimiter == delimiter


def test_a_person_can_choose_another_delimiter() -> None:
    source = csv_source("a;b,c\n1;2,3\n", ReadAs(delimiter=","))
    assert (list(source.headers), source.delimiter) == (["a;b", "c"], ",")


def test_a_delimiter_that_is_not_offered_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="comma, semicolon, tab, pipe"):
        csv_source("a b\n1 2\n", ReadAs(delimiter=" "))


def test_rows_have_the_numbers_of_the_lines_of_the_sheet() -> None:
    source = csv_source('name,note\n"A","two\nlines"\n\nB,x\n\n\n')
    assert [(row.number, row.values["name"]) for row in source.rows] == [(2, "A"), (4, "B")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(end: str) -> None:
    assert values_of(csv_source(f"a,b{end}1,2{end}3,4")) == [["1", "2"], ["3", "4"]]


def test_quoted_cells_keep_delimiters_quotes_and_line_breaks() -> None:
    source = csv_source('a,b\n"x, ""y""\r\nz",  1 \n')
    assert values_of(source) == [['x, "y"\r\nz', "  1 "]]


def test_a_space_before_a_quotation_mark_is_no_part_of_the_cell() -> None:
    assert values_of(csv_source('a, b\n1, "x, y"\n')) == [["1", "x, y"]]


def test_headers_are_kept_as_they_are_and_are_never_empty_or_equal() -> None:
    source = csv_source(" Program  Country\u200b,,Name,Name,Name,\n1,2,3,4,5,\n")
    assert list(source.headers) == [" Program  Country\u200b", "Column 2", "Name", "Name (2)", "Name (3)"]
    assert values_of(source) == [["1", "2", "3", "4", "5"]]


def test_a_header_equal_to_a_numbered_one_is_numbered_again() -> None:
    assert list(csv_source("a,a,a (2)\n1,2,3\n").headers) == ["a", "a (2)", "a (2) (2)"]


def test_cells_that_a_row_does_not_have_are_empty() -> None:
    assert values_of(csv_source("a,b,c\n1\n1,2,3\n")) == [["1", "", ""], ["1", "2", "3"]]


def test_a_row_with_more_cells_than_headers_is_named() -> None:
    with pytest.raises(UnreadableFile, match=r"Line 3 has 5 cells, and there are 4 headers\."):
        csv_source(HEADERS + "A,VCS,2020,1\nA,VCS,2020,1,5\n")


def test_empty_cells_after_the_last_header_are_ignored() -> None:
    assert values_of(csv_source("a,b\n1,2,,\n")) == [["1", "2"]]


@pytest.mark.parametrize(
    "title",
    [
        "Holdings of Acme\n",
        "Holdings of Acme,,,\n\n",
        "\nReport,,,\nDate,2026-01-01,,\n",
        "Account,Acme\nPrinted,today\n",
    ],
)
def test_a_title_is_left_out_and_said(title: str) -> None:
    source = csv_source(title + HEADERS + "A,VCS,2020,1\n")
    first = title.count("\n") + 2
    assert [(row.number, row.values["project_name"]) for row in source.rows] == [(first, "A")]
    (note,) = source.notes
    assert "above the headers" in note
    assert title.split(",", maxsplit=1)[0].split("\n", maxsplit=1)[0].strip() in note


def test_a_title_of_two_cells_above_three_columns_is_seen() -> None:
    source = csv_source("Account,Acme,\nDate,2026-01-01,\nname,quantity,serial\nA,5,X-1\n")
    assert list(source.headers) == ["name", "quantity", "serial"]
    assert source.notes == ["Lines 1 and 2 above the headers were left out: Account · Acme."]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        (",name,quantity\n0,A,5\n1,B,6\n", ["Column 1", "name", "quantity"]),
        ("name,quantity,\nA,5,x\n", ["name", "quantity", "Column 3"]),
        ("name,registry,note\nA,,\nB,VCS,x\n", ["name", "registry", "note"]),
        ("2019,2020\n5,6\n", ["2019", "2020"]),
    ],
)
def test_no_row_is_taken_for_a_title(text: str, headers: list[str]) -> None:
    source = csv_source(text)
    assert (list(source.headers), source.notes) == (headers, [])


@pytest.mark.parametrize(
    "total",
    [
        "Total,,,3\n",
        '"Grand total:",,,"1,234.5 t"\n',
        ",,Summe,3\n",
        "TOTALE,,,3\nTotal credits,,,3\n",
        "Sum,,,3\n,,,\nSource: the registry,,,\n",
    ],
)
def test_totals_are_left_out_and_said(total: str) -> None:
    source = csv_source(HEADERS + "A,VCS,2020,1\nB,VCS,2020,2\n" + total)
    assert [row.values["project_name"] for row in source.rows[:2]] == ["A", "B"]
    assert "Total" not in str(source.rows)
    assert source.notes
    assert source.notes[0].startswith("Line")
    assert "left out as" in source.notes[0]


def test_a_note_names_the_lines_of_totals() -> None:
    source = csv_source(HEADERS + "A,VCS,2020,1\nSubtotal,,,1\nB,VCS,2020,2\nTotal,,,3\n")
    assert source.notes == ["Lines 3 and 5 were left out as totals: Subtotal · 1."]


def test_a_project_of_that_name_is_no_total() -> None:
    source = csv_source(HEADERS + "Total,VCS,2020,1\nTotal Energies Solar,,2020,1\n")
    assert len(source.rows) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n\n", "This file is empty"),
        ("\ufeff", "This file is empty"),
        ("a,b\n", "no rows"),
        ("a,b\nTotal,1\n", "no rows"),
        ('a,b\n1,"2\n3,4\n', r"A quotation mark opens in line 2 and does not close\."),
        ('a,b\n1,2\n"x" y,4\n', "Line 3: a quotation mark closes in the middle of a cell"),
        ("a,b\n1," + "x" * ROW_CHARACTERS_MAX + "\n", "The row in line 2 is longer than 200,000"),
        ('a,b\n1,"' + "x\n" * ROW_CHARACTERS_MAX, "The row in line 2 is longer than 200,000"),
        ("a," * COLUMNS_MAX + "a\n1\n", r"Line 1 has 501 columns; at most 500 are read\."),
        ("a,b\n" + "1," * COLUMNS_MAX + "1\n", r"Line 2 has 501 columns"),
        (
            ",".join(f"c{n}" for n in range(500)) + "\n" + ("1," * 499 + "1\n") * 2001,
            "more than 1,000,000 cells",
        ),
        (",".join(f"c{n}" for n in range(500)) + "\n" + "1\n" * 2001, "more than 1,000,000 cells"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        csv_source(text)


def test_as_many_rows_as_one_import_takes_are_read() -> None:
    assert len(csv_source("a,b\n" + "1,2\n" * ROWS_MAX + "Total,5\n").rows) == ROWS_MAX


@pytest.mark.parametrize("count", [ROWS_MAX + 1, 10 * ROWS_MAX])
def test_more_rows_than_one_import_takes_are_refused(count: int) -> None:
    with pytest.raises(TooManyRows, match="10,000"):
        csv_source("a,b\n" + "1,2\n" * count)


# Letters that every encoding below has, so that a table can be written in each of them.
TEXTS = st.text(alphabet=st.sampled_from("abcXYZ 019.-–éüçñ\n,;|\t\"'"), max_size=12).filter(  # noqa: RUF001
    lambda text: not text.startswith(' "')  # read as a space before a quoted cell
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS.map("x".__add__)), min_size=1, max_size=6),
    st.sampled_from(list(DELIMITERS)),
    st.sampled_from(["UTF-8", "UTF-16", "UTF-16 LE", "UTF-16 BE", "Windows-1252"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_a_table_reads_back_equal(
    cells: list[tuple[str, str, str]], delimiter: str, encoding: str, end: str, quoting: Quoting
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["number", "name", "registry", "note"])
    writer.writerows([f"row {number}", *row] for number, row in enumerate(cells))
    content = written.getvalue().encode(ENCODINGS[encoding])
    source = read_source(content, ReadAs(encoding=encoding, delimiter=delimiter))
    assert values_of(source) == [[f"row {number}", *row] for number, row in enumerate(cells)]


PLAIN = st.lists(
    st.sampled_from(["Forêt", "São João", "Straße", "Año", "plain", "20.5", "Acme", "A&B"]),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(PLAIN, PLAIN, PLAIN), min_size=1, max_size=6),
    st.sampled_from(list(DELIMITERS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
)
def test_a_table_in_any_dialect_and_encoding_is_recognised(
    cells: list[tuple[str, str, str]], delimiter: str, encoding: str
) -> None:
    lines = [["number", "name", "registry", "note"], *([f"row {n}", *row] for n, row in enumerate(cells))]
    text = "\n".join(delimiter.join(line) for line in lines)
    source = read_source(text.encode(encoding))
    assert source.delimiter == delimiter
    assert [list(source.headers), *values_of(source)] == lines
