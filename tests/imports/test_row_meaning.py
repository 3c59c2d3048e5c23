"""What the rows of a file become: credits, facts, notes and problems with their values."""

import json

import pytest

from tests.imports.cases import CASES
from tests.imports.sources import (
    CREDIT,
    ends_of,
    export,
    export_rows,
    json_source,
    meaning,
    source_of,
    the_row,
)
from webapp.domain.canonical_json import Number
from webapp.domain.credit import parse_credit
from webapp.domain.errors import UnreadableFile
from webapp.domain.fields import quantity_text
from webapp.domain.import_row import ImportRow
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind, NotAnObject, Source, SourceRow
from webapp.imports.row_meaning import UNKNOWN_FIELDS_MAX
from webapp.imports.row_values import MISSING_SERIAL

THE_CREDIT = parse_credit(CREDIT | {"vintage": "2022", "quantity": "40"})

CELLS = {"project_name": "Solar", "registry": "VCS", "vintage": "2020", "quantity": "1"}


def csv_row(**cells: str) -> ImportRow:
    (row,) = meaning(source_of(CELLS | cells, kind=FileKind.CSV))
    return row


def quantity_of(row: ImportRow) -> str:
    assert row.credit, row.problems
    return quantity_text(row.credit.quantity_e4)


# Values as people write them (cases 05, 07, 08, 09, 11, 44)


def test_our_own_headers_as_csv_are_a_credit() -> None:
    row = csv_row(serial_number="H2-CSV-1")
    assert row.credit == parse_credit(
        {
            "project_name": "Solar",
            "registry": "VCS",
            "vintage": "2020",
            "quantity": "1",
            "serial_number": "H2-CSV-1",
        }
    )
    assert (row.unknown_fields, row.facts, row.notes) == ([], {}, ())


def test_a_decimal_comma_is_understood() -> None:
    assert quantity_of(csv_row(quantity="1.234,5")) == "1234.5"


def test_a_file_with_semicolons_and_a_decimal_comma_is_one_credit() -> None:
    header = "project_name;registry;vintage;quantity;serial_number"
    content = f"\ufeff{header}\r\nSerra Azul Reforestation;VCS;2022;1.234,5;H2-CSV-2\r\n".encode()
    (row,) = meaning(read_source(content))
    assert (quantity_of(row), row.number, row.unknown_fields) == ("1234.5", 2, [])


def test_names_in_other_case_are_recognised() -> None:
    names = "Project_Name Registry Vintage Quantity Serial_Number".split()
    (row,) = meaning(json_source(dict(zip(names, CREDIT.values(), strict=True))))
    assert row.credit
    assert (row.credit.project_name, row.credit.serial_number) == ("Serra Azul Reforestation", "H2-RT-1")


@pytest.mark.parametrize("text", ["1e3", "1_234", "+425", "-5", "many"])
def test_a_quantity_that_is_not_understood_is_a_problem_with_its_value(text: str) -> None:
    row = the_row(quantity=text)
    assert row.credit is None
    assert [(problem.field, f"“{text}”" in problem.message) for problem in row.problems] == [
        ("quantity", True)
    ]


@pytest.mark.parametrize("number", [1.5, 425, 0.0001, 99999999.9999])
def test_a_number_of_json_is_as_strict_as_in_the_api(number: float) -> None:
    assert quantity_of(the_row(quantity=number)) == str(number)


@pytest.mark.parametrize("number", [-1, 0, 5e-05, 1e21])
def test_a_number_of_json_that_the_api_refuses_is_a_problem_with_its_value(number: float) -> None:
    (problem,) = the_row(quantity=number).problems
    assert (problem.field, f"“{json.dumps(number)}”" in problem.message) == ("quantity", True)


@pytest.mark.parametrize(
    ("text", "vintage", "facts"),
    [
        ("2020", 2020, {}),
        ("2020.0", 2020, {}),
        ("2020-01-01", 2020, {"vintage_start": "2020-01-01", "vintage_end": "2020-01-01"}),
        ("2019-2020", 2020, {"vintage_start": "2019-01-01", "vintage_end": "2020-12-31"}),
        ("2019-07-01 - 2020-06-30", 2020, {"vintage_start": "2019-07-01", "vintage_end": "2020-06-30"}),
        ("01012020-31122020", 2020, {"vintage_start": "2020-01-01", "vintage_end": "2020-12-31"}),
    ],
)
def test_a_period_is_the_vintage_of_its_end(text: str, vintage: int, facts: dict[str, str]) -> None:
    row = the_row(vintage=text)
    assert row.credit
    assert (row.credit.vintage, row.facts) == (vintage, facts)


@pytest.mark.parametrize("value", ["FY2020", 44197, 20, "2101", None])
def test_a_vintage_that_is_no_year_date_or_period_is_a_problem(value: object) -> None:
    (problem,) = the_row(vintage=value).problems
    assert (problem.field, value is None or f"“{value}”" in problem.message) == ("vintage", True)


def test_a_vintage_column_that_is_a_year_wins_over_a_period() -> None:
    row = the_row(vintage=2019, vintage_start="2018-07-01", vintage_end="2020-06-30")
    assert row.credit
    assert (row.credit.vintage, row.facts) == (
        2019,
        {"vintage_start": "2018-07-01", "vintage_end": "2020-06-30"},
    )


@pytest.mark.parametrize("text", ["NULL", "null", "N/A", "nan", "-", "—", "0", "#N/A", "None"])
def test_a_text_that_means_missing_is_no_serial_number_and_noted(text: str) -> None:
    row = the_row(serial_number=text)
    assert row.credit
    assert (row.credit.serial_number, row.notes) == (None, (MISSING_SERIAL.format(text),))


def test_that_a_row_is_inactive_comes_before_its_other_problems() -> None:
    row = the_row(quantity="-1", lots=[{"id": "a"}])
    assert [problem.field for problem in row.problems] == ["lots", "quantity"]


def test_every_problem_of_a_row_is_reported() -> None:
    problems = the_row(project_name="", vintage="x", quantity="-1").problems
    assert sorted(problem.field for problem in problems) == ["project_name", "quantity", "vintage"]


@pytest.mark.parametrize("name", ["project_name", "registry", "serial_number"])
@pytest.mark.parametrize("value", [7, ["a"], True])
def test_in_our_own_json_fields_only_text_is_text(name: str, value: object) -> None:
    row = the_row(**{name: value})
    assert [(problem.field, "Must be text." in problem.message) for problem in row.problems] == [(name, True)]


def test_a_number_in_a_workbook_can_be_a_text() -> None:
    cells = {"Project": Number("1340"), "Registry": "VCS", "Vintage": "2020", "Quantity": Number("5")}
    (row,) = meaning(source_of(cells, kind=FileKind.WORKBOOK))
    assert row.credit
    assert row.credit.project_name == "1340"


# Identity and facts


def test_a_missing_project_name_is_the_project_id() -> None:
    row = the_row(project_name=None, project_id="VCS 1340")
    assert row.credit
    assert (row.credit.project_name, row.facts) == ("VCS 1340", {"project_id": "VCS 1340"})


def test_the_block_in_columns_of_its_own_is_part_of_the_serial_number() -> None:
    rows = json.loads((CASES / "14-same-serial-separate-block-columns.json").read_text())
    found = meaning(json_source(*rows))
    assert [row.credit and row.credit.serial_number for row in found] == [
        "CDC_9_1_1_321_14_CO_1_1-1 to 2961",
        "CDC_9_1_1_321_14_CO_1_1-2962 to 5922",
        "CDC_9_1_1_321_14_CO_1_1-5923 to 8883",
    ]
    assert [row.end and row.end.occurred_on for row in found] == ["2020-02-13", "2020-01-16", "2019-11-09"]
    assert [row.credit.id for row in found if row.credit] == BLOCK_IDS


BLOCK_IDS = [
    "c6d3b3af159e20e3741a644a9f9930fcfa592fc7b2df456d606c4118c46ef8f4",
    "495abde7973f6bdd16f0ae5ce04ac67fb2a2229115ce2c4f8488b1e699aefd5b",
    "0ac5d3177a2058f29ea19284201e9d0246f5b6afa92cb90d42475746ccc98ab9",
]


def test_a_serial_number_that_has_its_block_stays_as_it_is() -> None:
    row = the_row(serial_number="ACR-99-2019-1 to 40", block_from="1", block_to="40")
    assert row.credit
    assert row.credit.serial_number == "ACR-99-2019-1 to 40"


def test_facts_of_verra_come_from_the_serial_number_where_columns_lack_them() -> None:
    (row,) = [
        row for row in meaning(export("verra-transactions")) if row.credit and row.credit.vintage == 2014
    ]
    assert row.facts == {
        "project_id": "1686",
        "methodology": "ACM0002",
        "vintage_start": "2014-07-01",
        "vintage_end": "2014-12-31",
        "issued_on": "2015-06-01",
        "country": "BR",
        "project_type": "14",
    }


def test_monitoring_and_reporting_periods_are_facts_and_never_the_vintage() -> None:
    row = meaning(export("gold-standard-issuances"))[0]
    assert row.credit
    assert (row.credit.vintage, row.facts["monitoring_start"], row.facts["monitoring_end"]) == (
        2025,
        "2024-07-01",
        "2025-06-30",
    )


def test_namibia_is_a_country() -> None:
    assert [row.facts["country"] for row in meaning(export("car-retirements"))] == ["US", "NA"]


def test_a_fact_that_cannot_be_recorded_is_left_out_with_a_note() -> None:
    row = the_row(country="x" * 301, issued_on="some day")
    assert (row.credit, row.facts, len(row.notes)) == (THE_CREDIT, {}, 2)
    assert "is not recorded" in row.notes[0]


def test_a_reason_that_is_too_long_goes_into_the_note() -> None:
    row = the_row(status="Retired", retirement_reason="x" * 301, notes="more")
    assert ends_of([row]) == [("RETIRED", None, {"note": f"more\n{'x' * 301}"})]


def test_facts_of_a_retirement_are_beside_its_data() -> None:
    (row,) = meaning(export("acr-retirements"))
    assert row.end
    assert row.end.facts == {"account_holder": "Broker Inc", "purpose": "Emissions of 2025"}


def test_facts_of_a_withdrawal_name_the_programme_of_a_conversion() -> None:
    converted, removed = meaning(export("acr-cancellations"))
    assert converted.end
    assert removed.end
    assert (converted.end.facts, removed.end.facts) == (
        {"account_holder": "Forest Owner LLC", "converted_to": "arb"},
        {"account_holder": "Forest Owner LLC"},
    )
    programmes = [row.end.facts.get("converted_to") for row in meaning(export("car-issuances")) if row.end]
    assert programmes == [None, "verra", "arb"]


def test_facts_in_an_object_of_their_own_are_read() -> None:
    row = the_row(facts={"country": "Peru"})
    assert (row.facts, row.unknown_fields) == ({"country": "Peru"}, [])


# Cases 10 and 13


def test_an_issuance_and_the_retirement_of_a_part_of_it() -> None:
    data = (CASES / "13-issuance-and-retirement-of-part.json").read_text()
    issued, retired = meaning(json_source(*json.loads(data)))
    assert (issued.is_issuance, issued.is_active, retired.is_issuance) == (True, True, False)
    assert ends_of([retired]) == [("RETIRED", "2026-04-10", {"beneficiary": "Acme Tools"})]
    assert issued.unknown_fields + retired.unknown_fields == []


def test_headers_of_verra_as_json_objects_are_one_retirement_twice() -> None:
    data = (CASES / "10-objects-naive-from-verra-headers.json").read_text()
    one, other = meaning(json_source(*json.loads(data)))
    assert (one.credit, one.end) == (other.credit, other.end)
    assert one.credit
    assert one.credit.id == "3bd9189c0ee1b7db7af3d5aa2f36441ebdf85b386826fe25e0cab8eb6da135f8"
    assert (quantity_of(one), ends_of([one])) == (
        "425",
        [("RETIRED", "2026-04-10", {"beneficiary": "Acme Airlines"})],
    )


# Fields that are not recorded


def test_a_column_that_is_not_recorded_is_named_once() -> None:
    rows = meaning(json_source(CREDIT | {"colour": 1}, CREDIT | {"colour": 1, "x" * 100: 1}))
    assert [row.unknown_fields for row in rows] == [["colour"], ["x" * 80]]


def test_a_note_is_not_recorded_where_nothing_in_the_file_ends() -> None:
    assert the_row(note="x").unknown_fields == ["note"]


def test_a_row_that_is_no_object_is_a_problem_of_that_row_alone() -> None:
    rows = [SourceRow(1, CREDIT | {"vintage": "2022", "quantity": "40"}), SourceRow(2, NotAnObject({"": 7}))]
    good, bad = meaning(Source(FileKind.JSON, list(CREDIT), rows))
    assert (good.credit, bad.credit) == (THE_CREDIT, None)
    assert "must be an object" in bad.problems[0].message


# Files that would need far more memory than their size

# Eighteen characters in canonical form.
LIGATURE = "\ufdfa"


def long_when_compared(number: int) -> dict[str, object]:
    serial = f"{LIGATURE * 190} {number}"
    return CREDIT | {"project_name": LIGATURE * 300, "registry": LIGATURE * 50, "serial_number": serial}


def test_a_file_with_too_many_distinct_fields_is_refused() -> None:
    names = [f"f{number}" for number in range(UNKNOWN_FIELDS_MAX + 1)]
    all_but_one = CREDIT | dict.fromkeys(names[:-1])
    assert len(meaning(json_source(all_but_one, all_but_one))) == 2
    with pytest.raises(UnreadableFile, match=r"Row 2: there are more than 1,000 different fields"):
        meaning(json_source(all_but_one, {names[-1]: 1}))


def test_a_file_with_a_much_longer_canonical_form_is_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"Row \d+: in the form in which they are compared, the texts"):
        meaning(json_source(*(long_when_compared(number) for number in range(100))))


def test_a_few_long_canonical_forms_and_many_of_twice_the_length_are_read() -> None:
    assert all(row.credit for row in meaning(json_source(*map(long_when_compared, range(10)))))
    sharp = "\u00df"  # two letters
    rows = [
        CREDIT | {"project_name": sharp * 300, "serial_number": f"{sharp * 190} {n}"} for n in range(1000)
    ]
    assert all(row.credit for row in meaning(json_source(*rows)))


LONG = {"digits": "1", "spaces": " ", "numbers": "1-", "dashes": "-"}


@pytest.mark.parametrize("text", [f"1{part * 75_000}x" for part in LONG.values()], ids=LONG.keys())
def test_a_long_text_in_any_column_is_read_quickly(text: str) -> None:
    rows = export_rows("verra-transactions")
    hostile = [rows[0] | {header: text} for header in rows[0]]
    found = meaning(source_of(*hostile, CREDIT | {"Credits retired": text, text: 1}, kind=FileKind.CSV))
    assert len(found) == len(hostile) + 1


def test_the_rows_of_an_export_have_their_values() -> None:
    assert [dict(row.values) for row in meaning(export("art-cancellations"))] == export_rows(
        "art-cancellations"
    )
