"""Splits of blocks by serial numbers."""

import pytest

from webapp.domain.credit import Credit
from webapp.domain.errors import InvalidFields
from webapp.domain.fields import E4
from webapp.domain.serial_number import parse_block
from webapp.domain.split_numbers import parse_split

VERRA = "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
I_REC = "0000-0099-9912-3456.000001 - 0000-0099-9912-3456.000100"


def block(serial: str) -> Credit:
    stated = parse_block(serial)
    assert stated is not None
    return Credit("Fir", "Any", 2020, stated.length * E4, serial)


def lots(serial: str, *numbers: str) -> list[int]:
    quantities = parse_split({"numbers": list(numbers)}).quantities_of(block(serial))
    return [quantity_e4 // E4 for quantity_e4 in quantities]


@pytest.mark.parametrize(
    ("serial", "numbers", "expected"),
    [
        (VERRA, ["941467200 to 941467249"], [193, 50, 182]),
        (VERRA, ["941467200-941467249"], [193, 50, 182]),
        (VERRA, ["941467200 \u2013 941467249"], [193, 50, 182]),
        (VERRA, ["941467200…941467249"], [193, 50, 182]),
        (VERRA, [VERRA.replace("941467007", "941467200").replace("941467431", "941467249")], [193, 50, 182]),
        (VERRA, ["19385-941467200-VCS-VCU-1507-VER"], [193, 1, 231]),
        (VERRA, ["941467007 to 941467010"], [4, 421]),
        (VERRA, ["941467431"], [424, 1]),
        (VERRA, ["941467300 to 941467431", "941467007 to 941467010"], [4, 289, 132]),
        (VERRA, ["941467007 to 941467010", "941467011 to 941467431"], [4, 421]),
        ("AXJZZ0001-AXJZZ0010", ["0003 to 0004"], [2, 2, 6]),
        ("AXJZZ0001-AXJZZ0010", ["AXJZZ0003-AXJZZ0004"], [2, 2, 6]),
        (I_REC, ["000011 to 000020"], [10, 10, 80]),
        (I_REC, ["11 to 20"], [10, 10, 80]),
        (I_REC, ["0000-0099-9912-3456.000011 - 0000-0099-9912-3456.000020"], [10, 10, 80]),
    ],
)
def test_each_range_becomes_a_lot(serial: str, numbers: list[str], expected: list[int]) -> None:
    assert lots(serial, *numbers) == expected


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            ["941467000 to 941467010"],
            "941467000 to 941467010 are not within the block, 941467007 to 941467431",
        ),
        (["941467432"], "The number 941467432 is not within the block"),
        (["941467020 to 941467010"], "runs backwards, from 941467020 to 941467010"),
        (["941467010 to 941467020", "941467020 to 941467030"], "The number 941467020 is in two ranges"),
        (["941467010 to 941467020", "941467012 to 941467014"], "941467012 to 941467014 are in two ranges"),
        (["941467007 to 941467431"], "nothing to split"),
        (["19386-941467200-941467249-VCS-VCU-1507-VER"], "is not a range of numbers of this block"),
        (["about half"], "“about half” is not a range"),
        (["9" * 19], "is not a range"),
        (["x" * 200], f"“{'x' * 60}…” is not a range"),
        ([str(941467007 + 2 * n) for n in range(1, 99)], "make 197 lots"),
        ([], "Must be a list of 1 to 99 ranges"),
    ],
)
def test_a_range_that_cannot_be_a_lot_is_refused_with_its_numbers(numbers: list[str], message: str) -> None:
    with pytest.raises(InvalidFields, match=message):
        lots(VERRA, *numbers)


def test_quantities_and_numbers_are_not_stated_together() -> None:
    with pytest.raises(InvalidFields, match="not both"):
        parse_split({"numbers": ["1 to 2"], "quantities": ["1", "2"]})


@pytest.mark.parametrize("serial", ["VCS-0001", "ACR-X-1 - 10", "ACR-X-001 to 010"])
def test_a_credit_without_a_block_is_split_by_quantities(serial: str) -> None:
    with pytest.raises(InvalidFields, match="not a block"):
        parse_split({"numbers": ["1 to 2"]}).quantities_of(Credit("Fir", "Any", 2020, 10 * E4, serial))
