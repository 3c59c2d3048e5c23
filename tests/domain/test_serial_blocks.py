"""What a serial number states, by its text alone: "Serial blocks" in docs/ledger.md."""

import json
import time
from pathlib import Path

import pytest

from webapp.domain.credits import parse_credit, require_true_block
from webapp.domain.errors import InvalidFields
from webapp.domain.json_text import decode
from webapp.domain.serial_blocks import DIGITS_MAX, SerialBlock, parse_block

DATA = Path(__file__).parent.parent / "data"
REAL = json.loads((DATA / "real-credits-excerpt.json").read_text(encoding="utf-8"))

VERRA = "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
NOTATIONS = [
    (VERRA, 425, "19385-#-vcs-vcu-1507-ver-et-14-1340-01012020-31122020-1"),
    (
        "7059-367676034-367676083-VCU-005-APX-BR-14-1686-01072014-31122014-1",
        50,
        "7059-#-vcu-005-apx-br-14-1686-01072014-31122014-1",
    ),
    ("GS1-1-KE-GS11603-16-2025-30256-110-5463", 5354, "gs1-1-ke-gs11603-16-2025-30256-#"),
    ("ACR-FR-1129-2025-2917-30932 to 35143", 4212, "acr-fr-1129-2025-2917-#"),
    ("CAR-1-US-1335-31-983-KS-2025-9659-43177 to 43276", 100, "car-1-us-1335-31-983-ks-2025-9659-#"),
    ("ART-GY-102-2021-11-2759599 to 2760598", 1000, "art-gy-102-2021-11-#"),
    ("RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014", 3657, "rw-5-#-2-2-0-7014"),
]
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


@pytest.mark.parametrize(("serial", "length", "series"), NOTATIONS)
def test_a_serial_number_that_states_a_range_is_a_block(serial: str, length: int, series: str) -> None:
    block = parse_block(serial)
    assert block is not None
    assert (block.length, block.series) == (length, series)


@pytest.mark.parametrize("serial", PLAIN)
def test_whatever_does_not_clearly_state_a_range_stays_plain(serial: str | None) -> None:
    assert parse_block(serial) is None


@pytest.mark.parametrize(("serial", "length", "series"), NOTATIONS)
def test_spelling_makes_no_other_series(serial: str, length: int, series: str) -> None:
    for spelling in (serial.lower(), f" {serial} ", serial.replace("-", "-\u200b"), serial.upper()):
        block = parse_block(spelling)
        assert block is not None
        assert (block.series, block.length) == (series, length)


def test_real_blocks_are_as_long_as_their_quantities() -> None:
    stated = [(row, parse_block(row["serial_number"])) for row in REAL]
    lengths = [(block.length, row["quantity"]) for row, block in stated if block]
    assert len(lengths) == 42
    assert all(length == quantity for length, quantity in lengths)


def test_real_serial_numbers_without_a_clear_range_stay_plain() -> None:
    plain = [row["serial_number"] for row in REAL if parse_block(row["serial_number"]) is None]
    assert len(plain) == 8
    assert all(serial.startswith("CDC_") for serial in plain)


@pytest.mark.parametrize(("serial", "length"), [(serial, length) for serial, length, _ in NOTATIONS])
def test_a_part_of_a_block_is_written_in_the_same_notation(serial: str, length: int) -> None:
    block = parse_block(serial)
    assert block is not None
    assert block.part(0, length) == serial
    middle = parse_block(block.part(3, 5))
    assert middle is not None
    assert (middle.series, middle.first, middle.last) == (block.series, block.first + 3, block.first + 7)


def test_the_parts_of_a_block_have_its_notation_word_for_word() -> None:
    block = parse_block(VERRA)
    assert block is not None
    assert block.part(0, 250) == VERRA.replace("941467431", "941467256")
    assert block.part(250, 175) == VERRA.replace("941467007", "941467257")


def test_a_part_in_a_notation_of_odd_characters_is_written_canonically() -> None:
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
    require_true_block(parse_credit(values))


def test_a_block_of_another_length_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidFields, match="has 425 units, and the quantity is 424 tonnes"):
        credit_with(VERRA, "424")
    credit_with(VERRA, "425")


def test_a_block_that_runs_backwards_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidFields, match="runs backwards, from 35143 to 30932"):
        credit_with("ACR-FR-1129-2025-2917-35143 to 30932", "4212")


def test_a_quantity_with_decimals_has_no_block() -> None:
    credit_with(VERRA, "424.5")


@pytest.mark.parametrize("text", ["-" * 200, "1-" * 100, "a-1 " * 50, "-1-1" * 24 + " - " + "-1-1" * 24])
def test_a_hostile_text_is_read_at_once(text: str) -> None:
    started = time.process_time()
    parse_block(text[:200])
    assert time.process_time() - started < 0.5
