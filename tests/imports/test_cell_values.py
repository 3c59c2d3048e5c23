import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.canonical_json import Number
from webapp.domain.fields import FieldError
from webapp.imports.cell_values import (
    Ambiguous,
    DecimalSign,
    Order,
    Vintage,
    column_reading,
    date_column_reading,
    is_missing,
    read_date,
    read_quantity,
    read_vintage,
)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("425", "425"),
        (Number("426"), "426"),
        (Number("1234.50"), "1234.5"),
        ("1,454,054", "1454054"),
        ("1.454.054", "1454054"),
        ("1'454'054", "1454054"),
        ("1\u2019454\u2019054.25", "1454054.25"),
        ("1\u202f454\u202f054,25", "1454054.25"),
        ("12,34,567", "1234567"),
        ("1,234.567", "1234.567"),
        ("1.234,567", "1234.567"),
        ("1234.567", "1234.567"),
        ("0.123", "0.123"),
        (",5", "0.5"),
        ("0425", "425"),
        ("425.", "425"),
        (" 425\u200b ", "425"),
        ("425t", "425"),
        ("425 tCO2e", "425"),
        ("425 TCO₂", "425"),
        ("1,5 tonnes", "1.5"),
        ("1 tonne", "1"),
        ("N/A", None),
        (None, None),
    ],
)
def test_a_quantity_with_one_reading_becomes_plain_digits(value: object, plain: str | None) -> None:
    assert read_quantity(value) == plain


@pytest.mark.parametrize(
    "value",
    [
        *[
            "1e3",
            "1_234",
            "+425",
            "-5",
            "\u0664\u0662\u0665",
            "\uff14\uff12\uff15",
            "1,2,3",
            "1.23.456",
            "01,234",
            "1 234\u00a0567",
            ".",
        ],
        *["425 kg", "425 tons", "t", "4 25", "1,234.5.6", "#REF!", "425tt", "1,234,", "x" * 300],
        *[Number("2e3"), Number("-6"), True, ["425"], {"a": "1"}],
    ],
)
def test_a_quantity_in_another_form_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(FieldError) as refused:
        read_quantity(value)
    assert str(value)[:80].replace("\u00a0", " ") in str(refused.value)
    assert not isinstance(refused.value, Ambiguous)


@pytest.mark.parametrize(
    ("value", "decimal", "plain"),
    [
        *[("1.234", ".", "1.234"), ("1.234", ",", "1234"), ("1,234", ",", "1.234"), ("1,234", ".", "1234")],
        *[("425", ",", "425"), ("1 234", ",", "1234"), (Number("1.234"), ",", "1.234")],
    ],
)
def test_the_decimal_sign_of_the_column_decides(value: str, decimal: DecimalSign, plain: str) -> None:
    assert read_quantity(value, decimal) == plain


@pytest.mark.parametrize(("value", "decimal"), [("1.5", ","), ("1.234,5", "."), ("1,454,054", ",")])
def test_a_quantity_against_the_decimal_sign_is_refused(value: str, decimal: DecimalSign) -> None:
    with pytest.raises(FieldError, match="before the decimals"):
        read_quantity(value, decimal)


@pytest.mark.parametrize("value", ["1.234", "1,234", "999.999", "12,345 t"])
def test_a_quantity_with_two_readings_is_ambiguous(value: str) -> None:
    with pytest.raises(Ambiguous, match="Choose the decimal sign"):
        read_quantity(value)


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        (["1.234", "2.345"], "ambiguous"),
        (["1.234", "0,5"], ","),
        (["1,234", "1,454,054", "N/A"], "."),
        (["1,234", "425."], "."),
        (["1,234", "1.5", "2,5"], "ambiguous"),
        (["1,454,054", "0,5"], None),
        (["425", "1 234", "", None, "x"], None),
        ([Number("1.234"), Number("0.5")], None),
        ([Number("0.5"), "1,234"], "ambiguous"),
        ([], None),
    ],
)
def test_one_value_with_one_reading_decides_for_the_column(values: list[object], reading: str | None) -> None:
    assert column_reading(values) == reading


@given(
    st.integers(0, 10**12),
    st.sampled_from(["", "5", "25", "0001"]),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ","), ("\u202f", ",")]),
)
def test_a_grouped_number_reads_back_equal(whole: int, decimals: str, signs: tuple[str, DecimalSign]) -> None:
    group, decimal = signs
    text = f"{whole:,}".replace(",", group) + (decimal + decimals if decimals else "")
    expected = f"{whole}.{decimals}" if decimals else str(whole)
    assert read_quantity(text, decimal) == expected
    assert read_quantity(Number(expected)) == expected


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-04-13", "2026-04-13"),
        ("2025-12-31T23:30:00-05:00", "2025-12-31"),
        ("2026-04-13 00:00:00", "2026-04-13"),
        ("2026-04-13T10:00:00.123456Z", "2026-04-13"),
        ("2026-04-13 10:00 UTC", "2026-04-13"),
        ("2026/4/3", "2026-04-03"),
        ("13/04/2026", "2026-04-13"),
        ("04/13/2026", "2026-04-13"),
        ("4/13/2026 12:00:00 AM", "2026-04-13"),
        ("13.04.2026", "2026-04-13"),
        ("05/05/2026", "2026-05-05"),
        ("13-Apr-2026", "2026-04-13"),
        ("Apr 13, 2026", "2026-04-13"),
        ("13 April 2026", "2026-04-13"),
        ("September 3 2026", "2026-09-03"),
        ("1990-01-01", "1990-01-01"),
        ("—", None),
        (None, None),
    ],
)
def test_a_date_becomes_the_day_as_written(value: object, day: str | None) -> None:
    assert read_date(value) == day


@pytest.mark.parametrize(
    "value",
    [
        *["44197", "31/02/2026", "2026-13-01", "31122020", "13/04/26", "April 2026", "2026", "13-Foo-2026"],
        *["1989-12-31", "0020-12-31", "2026-04-13 and 2026-04-14", "13/04-2026"],
        *[Number("44198"), Number("20260413"), True, ["2026-04-13"]],
    ],
)
def test_what_is_no_date_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(FieldError) as refused:
        read_date(value)
    assert str(value) in str(refused.value)


@pytest.mark.parametrize(
    ("value", "order", "day"),
    [
        ("03/04/2026", "dmy", "2026-04-03"),
        ("03/04/2026", "mdy", "2026-03-04"),
        ("03042026", "dmy", "2026-04-03"),
        ("20260403", "ymd", "2026-04-03"),
        ("2026-04-03", "dmy", "2026-04-03"),
    ],
)
def test_the_order_of_the_column_decides(value: str, order: Order, day: str) -> None:
    assert read_date(value, order) == day


def test_a_date_whose_day_and_month_can_be_exchanged_is_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="2026-03-04 or 2026-04-03"):
        read_date("03/04/2026")


@pytest.mark.parametrize(("value", "order"), [("13/04/2026", "mdy"), ("13/04/2026", "ymd")])
def test_a_date_against_the_order_is_refused(value: str, order: Order) -> None:
    with pytest.raises(FieldError, match=f"in the order {order}"):
        read_date(value, order)


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        (["03/04/2026", "13/04/2026"], "dmy"),
        (["03/04/2026", "04/13/2026", ""], "mdy"),
        (["03/04/2026", "04/05/2026"], "ambiguous"),
        (["03/04/2026", "13/04/2026", "04/13/2026"], "ambiguous"),
        (["13/04/2026", "04/13/2026"], None),
        (["05/05/2026"], None),
        (["2026-04-03", "Apr 3, 2026"], None),
        (["01012020", "31122020"], "dmy"),
        (["20200101", "20201231"], "ymd"),
        ([Number("44197")], None),
    ],
)
def test_one_date_with_one_reading_decides_for_the_column(values: list[object], reading: str | None) -> None:
    assert date_column_reading(values) == reading


@given(st.dates(), st.sampled_from([("%d/%m/%Y", "dmy"), ("%m/%d/%Y", "mdy"), ("%d.%m.%Y", "dmy")]))
def test_a_date_in_a_known_order_reads_back_equal(day: object, form: tuple[str, Order]) -> None:
    text = f"{day:{form[0]}}"
    if str(day) < "1990-01-01":
        with pytest.raises(FieldError):
            read_date(text, form[1])
    else:
        assert read_date(text, form[1]) == str(day)


@pytest.mark.parametrize(
    ("value", "vintage"),
    [
        ("2020", Vintage(2020)),
        ("2020.0", Vintage(2020)),
        (Number("2021"), Vintage(2021)),
        ("2019/2020", Vintage(2020, "2019-01-01", "2020-12-31")),
        ("2019 – 2020", Vintage(2020, "2019-01-01", "2020-12-31")),  # noqa: RUF001
        ("2020-07-01", Vintage(2020, "2020-07-01", "2020-07-01")),
        ("01/01/2019 to 31/12/2019", Vintage(2019, "2019-01-01", "2019-12-31")),
        ("01/01/2019-12/31/2019", Vintage(2019, "2019-01-01", "2019-12-31")),
        ("2019-07-01/2020-06-30", Vintage(2020, "2019-07-01", "2020-06-30")),
        ("1 Jan 2019 until 31 Dec 2019", Vintage(2019, "2019-01-01", "2019-12-31")),
        ("03/04/2020", Vintage(2020)),
        ("03/04/2019 - 05/06/2020", Vintage(2020)),
        ("Not public", None),
    ],
)
def test_a_vintage_is_the_year_in_which_its_period_ends(value: object, vintage: Vintage | None) -> None:
    assert read_vintage(value) == vintage


def test_the_days_of_a_vintage_follow_the_order_of_the_column() -> None:
    assert read_vintage("03/04/2020", "dmy") == Vintage(2020, "2020-04-03", "2020-04-03")


@pytest.mark.parametrize(
    "value",
    [
        *[
            "FY2020",
            "44197",
            "20",
            "1989",
            "2101",
            "2020-2019",
            "2020.5",
            "01012020",
            "2020, 2021",
            "31/12/2020 - x",
        ],
        *[Number("44198"), Number("2021.5"), Number("20202021"), True, ["2020"]],
    ],
)
def test_what_is_no_vintage_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(FieldError) as refused:
        read_vintage(value)
    assert str(value) in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["N/A", "n/a", "NULL", "null", "None", "-", "—", "#N/A", "nan", "NaN", "Not public", "", " \u200b"],
)
def test_texts_for_a_missing_value(value: str) -> None:
    assert is_missing(value)


def test_an_empty_cell_of_a_workbook_is_missing() -> None:
    assert is_missing(None)


@pytest.mark.parametrize("value", ["0", Number("0.0"), "#REF!", "no", "x", False, 7, [], "N/A Ltd"])
def test_what_is_a_value(value: object) -> None:
    assert not is_missing(value)


def test_zero_is_missing_only_as_a_serial_number() -> None:
    assert is_missing("0", is_serial_number=True)
    assert not is_missing("00", is_serial_number=True)


def test_na_is_namibia_in_a_column_of_countries() -> None:
    assert is_missing("NA")
    assert not is_missing("NA", is_country=True)
    assert is_missing("N/A", is_country=True)
