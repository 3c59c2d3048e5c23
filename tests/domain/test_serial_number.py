"""Parsing of serial numbers, see "Serial blocks" in docs/ledger.md."""

import json
import re
import time
from pathlib import Path

import pytest

from webapp.domain.canonical_json import decode
from webapp.domain.credit import parse_credit, require_block_matches_quantity
from webapp.domain.errors import InvalidFields
from webapp.domain.serial_number import DIGITS_MAX, SerialBlock, parse_block, parse_numbers, single_numbers

DATA = Path(__file__).parent.parent / "data"
LEDGER_PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"
REAL = json.loads((DATA / "real-credits-excerpt.json").read_text(encoding="utf-8"))

VERRA = "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
NOTATIONS = [
    (VERRA, 425, "19385-#-vcu"),
    ("7059-367676034-367676083-VCU-005-APX-BR-14-1686-01072014-31122014-1", 50, "7059-#-vcu"),
    ("GS1-1-KE-GS11603-16-2025-30256-110-5463", 5354, "gs1-1-ke-gs11603-16-2025-30256-#"),
    ("ACR-FR-1129-2025-2917-30932 to 35143", 4212, "acr-fr-1129-2025-2917-#"),
    ("CAR-1-US-1335-31-983-KS-2025-9659-43177 to 43276", 100, "car-1-us-1335-31-983-ks-2025-9659-#"),
    ("ART-GY-102-2021-11-2759599 to 2760598", 1000, "art-gy-102-2021-11-#"),
    ("RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014", 3657, "rw-5-#-2-2-0-7014"),
    ("ACR-FR-1129-2025-2917-30932 to ACR-FR-1129-2025-2917-35143", 4212, "acr-fr-1129-2025-2917-#"),
    (
        "WCC-WCU-GB-103000000029999-01012015-31122019-1-500-MER-0-P",
        500,
        "wcc-wcu-gb-103000000029999-1012015-31122019-#-mer-0-p",
    ),
    ("CORC-99001-2024-1-100", 100, "corc-99001-2024-#"),
    ("PV-9999-2021-1-100", 100, "pv-9999-2021-#"),
    ("KH-1-2-9042-1-930-2024", 930, "kh-1-2-9042-#-2024"),
    ("ACR-99-2019-1-100", 100, "acr-99-2019-#"),
    ("ACR-FR-1129-2025-2917-30932-35143", 4212, "acr-fr-1129-2025-2917-#"),
    ("CAR-1-US-1335-31-983-KS-2025-9659-43177-43276", 100, "car-1-us-1335-31-983-ks-2025-9659-#"),
    ("ART-GY-102-2021-11-2759599-2760598", 1000, "art-gy-102-2021-11-#"),
    ("FCPF-CI-130-2023-20-1 to 46404", 46404, "fcpf-ci-130-2023-20-#"),
    ("CDC_1_1_1_321_14_1_2009-2262 to 4425", 2164, "cdc_1_1_1_321_14_1_2009-#"),
    ("ERA-CDC_99_1_XX_CO_1_2020_1 a 10", 10, "era-cdc_99_1_xx_co_1_2020-#"),
    ("AXJZZ1000-AXJZZ1010", 11, "axjzz#"),
    ("643002409999990000000000000001 - 643002409999990000000000000100", 100, "643002409999/#"),
]
# Its own hyphens may not have spaces around them.
I_REC = ("0000-0099-9912-3456.000001 - 0000-0099-9912-3456.000100", 100, "0000/#")
# One of each kind: hyphen, non-breaking hyphen, figure dash, en dash, em dash, minus sign.
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
PLAIN = [
    None,
    "VCS-0001",
    "CDC_1_1_1_321_14_1_2009",
    "CDC_1_1_1_321_14_1_2009_2262_4425",
    "19385",
    "1 to 100",
    "ACR-1 to",
    "ACR-1 to 2 to 3x",
    "ACR-FR-0001 to 0100",  # leading zeros
    "GS1-1-KE-007-12",
    "A-1-2 - B-5-2",  # not the same series
    "A-1-2 - A-5-3",  # two numbers differ
    "1-2-3",
    "ACR-1 to " + "9" * (DIGITS_MAX + 1),
]


@pytest.mark.parametrize(("serial", "length", "series"), [*NOTATIONS, I_REC])
def test_a_serial_number_that_states_a_range_is_a_block(serial: str, length: int, series: str) -> None:
    block = parse_block(serial)
    assert block is not None
    assert (block.length, block.series) == (length, series)


@pytest.mark.parametrize("serial", PLAIN)
def test_a_text_without_a_clear_range_is_not_a_block(serial: str | None) -> None:
    assert parse_block(serial) is None


@pytest.mark.parametrize(("serial", "length", "series"), [*NOTATIONS, I_REC])
@pytest.mark.parametrize("dash", DASHES)
def test_another_kind_of_dash_states_the_same_block(serial: str, length: int, series: str, dash: str) -> None:
    for spelling in (
        serial.replace("-", dash),
        serial.replace("-", dash, 3),
        serial.replace(" - ", f" {dash} "),
    ):
        block = parse_block(spelling)
        assert block is not None
        assert (block.series, block.length) == (series, length)
        assert block.part(0, length) == spelling
        assert parse_block(block.part(1, 2)) is not None


@pytest.mark.parametrize(("serial", "length", "series"), NOTATIONS)
def test_spaces_around_dashes_are_ignored(serial: str, length: int, series: str) -> None:
    for dash in (" - ", "- ", " \u2013 "):
        spelling = " ".join(serial.replace("-", dash).split())
        block = parse_block(spelling)
        assert block is not None
        assert (block.series, block.length) == (series, length)
        assert block.part(0, length) == spelling


def test_a_pair_may_be_joined_by_a_wide_dash_alone() -> None:
    block = parse_block("RW-5-1463953-2-2-0-7014\u2013RW-5-1467609-2-2-0-7014")
    assert block is not None
    assert (block.series, block.length) == ("rw-5-#-2-2-0-7014", 3657)
    assert block.part(0, 2) == "RW-5-1463953-2-2-0-7014\u2013RW-5-1463954-2-2-0-7014"


@pytest.mark.parametrize(
    ("serial", "first", "last", "series"),
    [
        ("ACR-FR-1129-2025-2917-30932 - 35143", 30932, 35143, "acr-fr-1129-2025-2917-#"),
        ("ACR-FR-1129-2025-2917-30932\u201335143", 30932, 35143, "acr-fr-1129-2025-2917-#"),
        ("ACR-FR-1129-2025-2917-30932 \u2014 35143", 30932, 35143, "acr-fr-1129-2025-2917-#"),
        ("CORC-99001-2024-1 - 100", 1, 100, "corc-99001-2024-#"),
        ("PV-9999-2021-001-100", 1, 100, "pv-9999-2021-#"),
        ("ACR-FR-1129-2025-2917-030932 to 035143", 30932, 35143, "acr-fr-1129-2025-2917-#"),
        ("GS1-1-KE-007-12", 7, 12, "gs1-1-ke-#"),
        ("19385-0041-50-VCS-VCU-1507-VER", 41, 50, "19385-#-vcu"),
        ("RW-5-007-9 - RW-5-012-9", 7, 12, "rw-5-#-9"),
        ("ABC-2019 - 2020", 2019, 2020, "abc-#"),
    ],
)
def test_an_unclear_range_reserves_its_numbers_but_is_not_a_block(
    serial: str, first: int, last: int, series: str
) -> None:
    assert parse_block(serial) is None
    named = parse_numbers(serial)
    assert named is not None
    assert (named.first, named.last, named.series, named.is_clear) == (first, last, series, False)


@pytest.mark.parametrize(
    "serial",
    [
        "VCS-0001",
        "CDC_1_1_1_321_14_1_2009",
        "VCS-0001, 1\u201330 of 100",  # the text of a lot
        "1\u201330 of 100",
        "ACR-X-1 - 5, 1\u201330 of 100",
        "RW-5-1-2 - RW-5-9-2, 0\u20131 t of 2.5 t",
        "ACR-1-2020 - 2019",  # backwards
        "2019 - 2020",
        "A - 1 - 2",
        "ACR\u20131\u20132",
        "Wind farm - phase 2",
        "ABC-2019-2020",
        "ABC-FR-1129-2025-2917-30932-35143",
        "ACR-FR-1129-2025-2917-30932",  # one number
        "CORC-99001-2024-100-1",  # backwards, and with a bare hyphen
        "CORC-99001-1-1-100",  # no year
        "KH-1-2-9042-1-930",
        "NP-5-91463953-2-2-0-2019",  # a CER whose project looks like a year
        "WCC-WCU-GB-103000000029999-1-500-MER-0-P",
        "ABC-AXJZZ1000-AXJZZ1010",
        "AB100-AC110",
        "A100-A110",
        "01012015-31122019",
        "1234567890123-1234567890133",
        "95313_681393912_681394011_XXX_208",
        "Serial number",
        "(2019 - 2020)",
    ],
)
def test_other_texts_have_no_range(serial: str) -> None:
    assert parse_numbers(serial) is None


def test_a_single_number_may_belong_to_several_series() -> None:
    def singles(serial: str) -> list[tuple[str, int]]:
        return [(block.series, block.first) for block in single_numbers(serial)]

    assert singles("ACR \u2013 2025-030933") == [("acr-#-30933", 2025), ("acr-2025-#", 30933)]
    assert singles("RW-5-A - RW-5-A") == [("rw-#-a", 5)]
    assert singles("RW-5-A to RW-5-A") == [("rw-#-a", 5)]
    assert singles("VCS_1") == singles("1") == singles("") == []
    assert singles("AXJZZ1004") == [("axjzz#", 1004)]
    assert singles("0000-0099-9912-3456.000091")[0] == ("0000/#", 9999123456000091)
    assert ("19385-#-vcu", 941467200) in singles("Serial: 19385_941467200_VCS_VCU_1507 (retired)")


@pytest.mark.parametrize(("serial", "length", "series"), [*NOTATIONS, I_REC])
def test_other_spellings_have_the_same_series(serial: str, length: int, series: str) -> None:
    for spelling in (serial.lower(), f" {serial} ", serial.replace("-", "-\u200b"), serial.upper()):
        block = parse_block(spelling)
        assert block is not None
        assert (block.series, block.length) == (series, length)


def test_real_blocks_are_as_long_as_their_quantities() -> None:
    stated = [(row, parse_block(row["serial_number"])) for row in REAL]
    lengths = [(block.length, row["quantity"]) for row, block in stated if block]
    assert len(lengths) == 42
    assert all(length == quantity for length, quantity in lengths)


def test_real_serial_numbers_without_a_clear_range_are_not_blocks() -> None:
    plain = [row["serial_number"] for row in REAL if parse_block(row["serial_number"]) is None]
    assert len(plain) == 8
    assert all(serial.startswith("CDC_") for serial in plain)


@pytest.mark.parametrize(
    ("serial", "length"), [(serial, length) for serial, length, _ in [*NOTATIONS, I_REC]]
)
def test_a_part_of_a_block_is_written_in_the_same_notation(serial: str, length: int) -> None:
    block = parse_block(serial)
    assert block is not None
    assert block.part(0, length) == serial
    middle = parse_block(block.part(3, 5))
    assert middle is not None
    assert (middle.series, middle.first, middle.last) == (block.series, block.first + 3, block.first + 7)


def test_the_parts_of_a_block_keep_the_exact_notation() -> None:
    block = parse_block(VERRA)
    assert block is not None
    assert block.part(0, 250) == VERRA.replace("941467431", "941467256")
    assert block.part(250, 175) == VERRA.replace("941467007", "941467257")


def test_a_part_of_an_unusual_notation_is_written_in_canonical_form() -> None:
    # As many characters as its canonical form, but not in the same places.
    block = parse_block("GS1-\u00df-1-10\u200b0")
    assert block is not None
    assert (block.first, block.last) == (1, 100)
    assert block.part(0, 10) == "gs1-ss-1-10"


def test_blocks_overlap_where_they_have_a_number_in_common() -> None:
    def block(first: int, last: int, series: str = "s") -> SerialBlock:
        return SerialBlock(series, first, last, ("", "", ""))

    assert block(1, 10).overlaps(block(10, 20))
    assert block(5, 6).overlaps(block(1, 10))
    assert not block(1, 10).overlaps(block(11, 20))
    assert not block(1, 10).overlaps(block(1, 10, "t"))


def credit_with(serial: str, quantity: str) -> None:
    values = decode(
        json.dumps(
            {
                "project_name": "A",
                "registry": "B",
                "vintage": 2020,
                "quantity": quantity,
                "serial_number": serial,
            }
        ).encode()
    )
    assert isinstance(values, dict)
    require_block_matches_quantity(parse_credit(values))


def test_a_block_of_another_length_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidFields, match="has 425 units, but the quantity is 424 t\\."):
        credit_with(VERRA, "424")
    credit_with(VERRA, "425")
    with pytest.raises(InvalidFields, match="has 2 units, but the quantity is 1 t\\."):
        credit_with("GS1-1-KE-GS11603-16-2025-30256-1-2", "1")
    with pytest.raises(InvalidFields, match="has 1 unit, but the quantity is 2 t\\."):
        credit_with("GS1-1-KE-GS11603-16-2025-30256-1-1", "2")


def test_a_block_that_runs_backwards_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidFields, match="runs backwards, from 35143 to 30932"):
        credit_with("ACR-FR-1129-2025-2917-35143 to 30932", "4212")


def test_a_quantity_with_decimals_has_no_block() -> None:
    credit_with(VERRA, "424.5")


@pytest.mark.parametrize("text", ["-" * 200, "1-" * 100, "a-1 " * 50, "-1-1" * 24 + " - " + "-1-1" * 24])
def test_a_hostile_text_is_parsed_quickly(text: str) -> None:
    started = time.process_time()
    parse_block(text[:200])
    single_numbers(text[:200])
    assert time.process_time() - started < 0.5


def documented_examples() -> list[tuple[str, str]]:
    """Return the examples of the first two tables of "Serial blocks", each with its number of units."""
    section = LEDGER_PAGE.read_text(encoding="utf-8").partition("## Serial blocks")[2]
    rows = [
        row.split("|") for row in section.partition("Less clearly")[0].splitlines() if row.count("|") == 4
    ]
    return [(example, row[3].strip()) for row in rows for example in re.findall("`([^`]+)`", row[2])]


@pytest.mark.parametrize(("serial", "units"), documented_examples())
def test_every_documented_example_is_a_block_of_its_units(serial: str, units: str) -> None:
    block = parse_block(serial)
    assert block is not None
    assert not units or block.length == int(units.replace(",", ""))
    assert parse_block(block.part(1, 2)) is not None


def test_the_documented_notations_are_those_of_these_tests() -> None:
    documented = {serial for serial, _ in documented_examples()}
    assert len(documented) > 20
    assert {serial for serial, _, _ in NOTATIONS[:4]} <= documented
