"""What the readers find in files of tests/data/cases, and what is read from their cells."""

import json
from collections.abc import Callable

import pytest

from tests.imports.cases import CASES
from webapp.domain.errors import UnreadableFile
from webapp.domain.fields import FieldError
from webapp.imports.cell_values import Vintage, is_missing, read_quantity, read_vintage
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind, Source


def source_of(number: str) -> Source:
    (path,) = CASES.glob(f"{number}-*")
    return read_source(path.read_bytes())


@pytest.mark.parametrize(
    ("number", "kind", "encoding", "delimiter", "name"),
    [
        ("01", FileKind.JSON, "UTF-16 LE", "", "São João do Araguaia Agrofloresta"),
        ("03", FileKind.JSON, "Windows-1252", "", "Forêt de Mékambo – phase 2"),  # noqa: RUF001
        ("04", FileKind.CSV, "UTF-8", ",", "Serra Azul Reforestation"),
        ("05", FileKind.CSV, "UTF-8", ";", "Serra Azul Reforestation"),
    ],
)
def test_the_encoding_and_delimiter_are_found(
    number: str, kind: FileKind, encoding: str, delimiter: str, name: str
) -> None:
    source = source_of(number)
    (row,) = source.rows
    assert (source.kind, source.encoding, source.delimiter) == (kind, encoding, delimiter)
    assert list(source.headers) == ["project_name", "registry", "vintage", "quantity", "serial_number"]
    assert row.values["project_name"] == name


def test_semicolons_leave_the_decimal_comma_in_its_cell() -> None:
    (row,) = source_of("05").rows
    assert row.number == 2
    assert read_quantity(row.values["quantity"]) == "1234.5"


def test_a_workbook_without_a_sheet_is_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"This workbook is damaged or not complete\."):
        source_of("06")


def read_column(
    number: str, name: str, read: Callable[[object], object]
) -> tuple[list[tuple[object, object]], list[str]]:
    """Return the values of a column with what is read of them, and the messages of those refused."""
    good: list[tuple[object, object]] = []
    messages: list[str] = []
    for row in source_of(number).rows:
        try:
            good.append((row.values[name], read(row.values[name])))
        except FieldError as error:
            messages.append(str(error))
    return good, messages


def starts_of(messages: list[str]) -> list[str]:
    return [message.partition(" is not ")[0] for message in messages]


def test_quantities_are_understood_where_they_have_one_reading() -> None:
    good, messages = read_column("07", "quantity", read_quantity)
    assert starts_of(messages) == ["“1_234”", "“1e3”", "“+425”", "“True”", "“5e-05”", "“['425']”"]
    assert good == [
        ("1,454,054", "1454054"),
        ("1.234,5", "1234.5"),
        ("1 234", "1234"),
        ("1\u00a0234", "1234"),
        ("425.00", "425"),
        ("425.0000", "425"),
        ("0425", "425"),
        ("425.", "425"),
        ("425 t", "425"),
        ("", None),
        (None, None),
        ("425.0", "425"),
        ("0,5", "0.5"),
    ]


def test_a_vintage_is_a_year_a_date_or_a_period() -> None:
    good, messages = read_column("08", "vintage", read_vintage)
    assert starts_of(messages) == ["“FY2020”", "“20”", "“44197”", "“2101”"]
    assert good == [
        ("2020-01-01", Vintage(2020, "2020-01-01", "2020-01-01")),
        ("2020-01-01 - 2020-12-31", Vintage(2020, "2020-01-01", "2020-12-31")),
        ("2019-2020", Vintage(2020, "2019-01-01", "2020-12-31")),
        ("01/01/2020", Vintage(2020, "2020-01-01", "2020-01-01")),
        *[("2020.0", Vintage(2020))] * 2,
        ("2020 ", Vintage(2020)),
        ("01012020-31122020", Vintage(2020, "2020-01-01", "2020-12-31")),
        (None, None),
    ]


@pytest.mark.parametrize(("number", "count"), [("09", 9), ("44", 2)])
def test_texts_for_a_missing_serial_number_are_known(number: str, count: int) -> None:
    serials = [row.values["serial_number"] for row in source_of(number).rows]
    assert [is_missing(serial, is_serial_number=True) for serial in serials] == [True] * count


def test_the_rows_of_json_are_those_of_the_file() -> None:
    expected = json.loads((CASES / "07-number-spellings.json").read_text(encoding="utf-8"))
    assert [row.values["serial_number"] for row in source_of("07").rows] == [
        row["serial_number"] for row in expected
    ]
