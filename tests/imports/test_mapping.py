"""Mappings: proposed by the names of the columns, made by a person, kept, and offered again."""

import csv

import pytest

from tests.imports.sources import CREDIT, export, json_source, meaning, source_of
from webapp.domain.errors import InvalidFields
from webapp.imports.formats.format import FIELD_NAMES, FileMeaning
from webapp.imports.formats.own import template_csv
from webapp.imports.mapping import (
    DATE_ORDER,
    DECIMAL,
    FORMATS,
    ColumnMapping,
    headers_key,
    propose,
    samples,
    settle,
    validate,
)
from webapp.imports.readers.source import FileKind, Source
from webapp.imports.row_meaning import read_rows

CELLS = {"Projekt": "Solar", "Standard": "VCS", "Jahrgang": "2020", "Menge": "1.234", "Datum": "01/02/2025"}
BY_HAND = {
    "Projekt": "project_name",
    "Standard": "registry",
    "Jahrgang": "vintage",
    "Menge": "quantity",
    "Datum": "issued_on",
}


def sheet(*rows: dict[str, str]) -> Source:
    return source_of(*rows, kind=FileKind.CSV)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.key)
def test_a_format_maps_to_fields_that_exist(form: object) -> None:
    columns = FORMATS[getattr(form, "key", "")].columns
    assert [name for name in columns.values() if name and name not in FIELD_NAMES] == []


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Project", "project_name"),
        ("Project Name", "project_name"),
        ("PROJEKT", "project_name"),
        ("Registry", "registry"),
        ("Standard", "registry"),
        ("Programme", "registry"),
        ("Year", "vintage"),
        ("Vintage Year", "vintage"),
        ("Volume (tCO2e)", "quantity"),
        ("Tonnes", "quantity"),
        ("Amount", "quantity"),
        ("Credits", "quantity"),
        ("tCO2e", "quantity"),
        ("Serial No.", "serial_number"),
        ("Serial Numbers", "serial_number"),
        ("Seriennummer", "serial_number"),
        ("Project ID", "project_id"),
        ("Host Country", "country"),
        ("Methodology", "methodology"),
        ("Issuance Date", "issued_on"),
        ("Retirement Date", "occurred_on"),
        ("Cancelled on", "occurred_on"),
        ("Retired on behalf of", "beneficiary"),
        ("Retirement Reason", "reason"),
        ("Credit Status", "status"),
        ("is_retired", "life"),
        ("Colour", ""),
    ],
)
def test_a_header_is_matched_by_its_name_or_a_synonym(header: str, field: str) -> None:
    assert propose(sheet({header: "x"})).columns == {header: field}


def test_the_name_of_a_field_comes_before_its_synonyms() -> None:
    columns = propose(sheet({"Project": "a", "project_name": "b", "Name": "c"})).columns
    assert columns == {"Project": "", "project_name": "project_name", "Name": ""}


def test_a_programme_beside_a_registry_is_a_fact() -> None:
    columns = propose(sheet({"Programme": "a", "Registry": "b"})).columns
    assert columns == {"Programme": "programme", "Registry": "registry"}


def test_required_fields_without_a_column_are_missing() -> None:
    assert propose(sheet({"Colour": "x"})).missing == ["project_name", "registry", "vintage", "quantity"]
    assert propose(sheet(CELLS)).missing == []


def test_a_column_that_can_be_read_in_two_ways_is_asked_once() -> None:
    mapping = settle(ColumnMapping(BY_HAND), sheet(CELLS, CELLS))
    assert [(question.header, question.about, question.examples) for question in mapping.questions] == [
        ("Menge", DECIMAL, ("1.234",)),
        ("Datum", DATE_ORDER, ("01/02/2025",)),
    ]


def test_one_value_decides_for_its_column() -> None:
    source = sheet(CELLS, CELLS | {"Menge": "1.234,5", "Datum": "31/01/2025"})
    mapping = settle(ColumnMapping(BY_HAND), source)
    assert (mapping.questions, mapping.decimals, mapping.date_orders) == (
        (),
        {"Menge": ","},
        {"Datum": "dmy"},
    )
    rows = read_rows(source, mapping)
    assert [row.credit and row.credit.quantity_e4 for row in rows] == [12_340_000, 12_345_000]
    assert [row.facts["issued_on"] for row in rows] == ["2025-02-01", "2025-01-31"]


def test_an_unanswered_question_is_a_problem_of_each_row() -> None:
    source = sheet(CELLS)
    (row,) = read_rows(source, settle(ColumnMapping(BY_HAND), source))
    assert [(problem.field, "“1.234”" in problem.message) for problem in row.problems] == [("quantity", True)]


def test_a_decimal_point_of_our_own_json_is_no_question() -> None:
    source = json_source(CREDIT | {"quantity": "1.234"})
    assert propose(source).questions == ()
    (row,) = meaning(source)
    assert row.credit
    assert row.credit.quantity_e4 == 12_340


def answered() -> ColumnMapping:
    return ColumnMapping(BY_HAND, decimals={"Menge": ","}, date_orders={"Datum": "dmy"}, is_confirmed=True)


def test_a_mapping_is_kept_as_json() -> None:
    assert ColumnMapping.from_json(answered().to_json()) == answered()
    proposed = propose(export("verra-transactions"))
    assert ColumnMapping.from_json(proposed.to_json()) == proposed


def test_a_kept_mapping_fits_the_next_file_with_these_headers() -> None:
    source = sheet(
        {"menge ": "2.345", "PROJEKT": "Solar", "standard": "VCS", "jahrgang": "2021", "datum": "03/04/2025"}
    )
    assert answered().headers_key == headers_key(source.headers)
    mapping = settle(answered(), source)
    assert mapping.questions == ()
    (row,) = read_rows(source, mapping)
    assert row.credit
    assert (row.credit.quantity_e4, row.facts) == (23_450_000, {"issued_on": "2025-04-03"})


def test_what_the_next_file_shows_wins_over_the_kept_answer() -> None:
    mapping = settle(answered(), sheet(CELLS | {"Menge": "1,234.5", "Datum": "01/31/2025"}))
    assert (mapping.decimals, mapping.date_orders) == ({"Menge": "."}, {"Datum": "mdy"})


def test_other_headers_have_another_fingerprint() -> None:
    assert headers_key(["a", "b"]) == headers_key(["B ", "A"]) != headers_key(["a", "c"])


def test_a_fixed_registry_replaces_a_column() -> None:
    columns = {header: name for header, name in BY_HAND.items() if name != "registry"}
    mapping = ColumnMapping(columns, registry="VCS")
    validate(mapping)
    (row,) = read_rows(sheet(CELLS | {"Menge": "5"}), settle(mapping, sheet(CELLS | {"Menge": "5"})))
    assert row.credit
    assert row.credit.registry == "VCS"


@pytest.mark.parametrize(
    ("mapping", "fields"),
    [
        (ColumnMapping({**BY_HAND, "Zweites": "quantity"}), ["Zweites"]),
        (ColumnMapping({**BY_HAND, "Zweites": "price"}), ["Zweites"]),
        (ColumnMapping({"Menge": "quantity"}), ["project_name", "registry", "vintage"]),
        (ColumnMapping(BY_HAND, registry="x" * 51), ["registry"]),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_every_reason(
    mapping: ColumnMapping, fields: list[str]
) -> None:
    with pytest.raises(InvalidFields) as refused:
        validate(mapping)
    assert [problem.field for problem in refused.value.problems] == fields


def test_several_columns_may_be_tonnes_that_ended() -> None:
    validate(ColumnMapping({**BY_HAND, "a": "retired_tonnes", "b": "retired_tonnes", "c": "life"}))


def test_a_confirmed_mapping_has_no_unknown_fields() -> None:
    source = sheet(CELLS | {"Menge": "5", "Farbe": "rot"})
    mapping = settle(ColumnMapping(BY_HAND, is_confirmed=True), source)
    assert [row.unknown_fields for row in read_rows(source, mapping)] == [[]]


def test_samples_are_different_values_of_each_column() -> None:
    rows = [CELLS | {"Menge": str(number % 7)} for number in range(20)]
    assert samples(sheet(*rows))["Menge"] == ["0", "1", "2", "3", "4"]


def test_the_template_needs_no_mapping_and_its_example_is_read() -> None:
    source = sheet(*csv.DictReader(template_csv().splitlines()))
    mapping = propose(source)
    assert (mapping.missing, mapping.questions, mapping.meaning) == ([], (), FileMeaning.STATE)
    (row,) = read_rows(source, mapping)
    assert (row.problems, row.unknown_fields, bool(row.credit), bool(row.end)) == ([], [], True, True)
