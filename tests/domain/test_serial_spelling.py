"""Other spellings of a serial number name the same numbers, and hold the same claim."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.test_serial_number import I_REC, NOTATIONS, PLAIN
from webapp.domain.serial_number import SerialBlock, parse_block, parse_range
from webapp.domain.serial_spelling import claim_key
from webapp.domain.text import canonical

VERRA = "95313-681393912-681394011-VCS-VCU-208-VER-CA-3-929-01012018-31122018-0"
UK = "WCC-WCU-GB-103000000029999-01012015-31122019-1-500-MER-0-P"
PREFIXES = [
    "Serial: ",
    "SERIAL NUMBER ",
    "Serial numbers: ",
    "serial no. ",
    "Serial No: ",
    "S/N ",
    "s/n:",
    "SN: ",
]
NOTES = [" (retired)", "(retired)", " [Acme, 2024]", " (1 of 2) [x]"]
ALL = [*NOTATIONS, I_REC]


def block_of(serial: str) -> SerialBlock:
    block = parse_block(serial)
    assert block is not None, serial
    return block


def assert_same_numbers(spelling: str, serial: str) -> None:
    block, other = block_of(serial), block_of(spelling)
    assert (other.series, other.first, other.last) == (block.series, block.first, block.last)
    part = block_of(other.part(1, 2)), block_of(block.part(1, 2))
    assert part[0].overlaps(part[1])
    assert (part[0].first, part[0].last) == (block.first + 1, block.first + 2)


@pytest.mark.parametrize("serial", [serial for serial, _, _ in ALL])
def test_a_prefix_or_a_note_does_not_change_the_numbers(serial: str) -> None:
    for prefix in ["", *PREFIXES]:
        for note in ["", *NOTES]:
            assert_same_numbers(f"{prefix}{serial}{note}", serial)
            assert block_of(f"{prefix}{serial}{note}").part(0, block_of(serial).length) == (
                f"{prefix}{serial}{note}"
            )


@pytest.mark.parametrize(
    "serial",
    [
        VERRA,
        UK,
        "CORC-99001-2024-1-100",
        "KH-1-2-9042-1-930-2024",
        "GS1-1-KE-GS11603-16-2025-30256-110-5463",
        "ACR-FR-1129-2025-2917-30932 to 35143",
        "CAR-1-US-1335-31-983-KS-2025-9659-43177-43276",
    ],
)
@pytest.mark.parametrize("separator", ["_", ".", "/"])
def test_other_separators_than_hyphens_do_not_change_the_numbers(serial: str, separator: str) -> None:
    assert_same_numbers(serial.replace("-", separator), serial)
    assert_same_numbers(f"Serial: {serial.replace('-', separator)} (sold)", serial)


@pytest.mark.parametrize(
    ("spelling", "serial"),
    [
        (VERRA[:-1] + "O", VERRA),
        ("0" + VERRA, VERRA),
        ("95313_681393912_681394011_VCS_VCU_208", VERRA),
        ("VCS-VCU-208-VER-CA-3-929-01012018-31122018-0 95313-681393912-681394011", VERRA),
        ("95313-681393912-681394011 VCS-VCU-208-VER-CA-3-929-01012018-31122018-0", VERRA),
        ("95313-681393912-681394011-VCU-208-VER", VERRA),
        (UK.replace("-0-", "-O-"), UK),
        (UK.replace("-01012015-", "-1012015-").replace("-1012015-", "-01O12O15-"), UK),
        ("GS1-1-KE-GS11603-16-2025-030256-1-10O", "GS1-1-KE-GS11603-16-2025-30256-1-100"),
        ("ACR-FR-1129-2O25-2917-30932 to 3514O", "ACR-FR-1129-2025-2917-30932 to 35140"),
        ("KH-1-2-9042-1-93O-2O24", "KH-1-2-9042-1-930-2024"),
        ("AXJZZ1000 to AXJZZ1010", "AXJZZ1000-AXJZZ1010"),
        ("AXJZZ1000..AXJZZ1010", "AXJZZ1000-AXJZZ1010"),
        ("AXJZZ01000-AXJZZ01010", "AXJZZ1000-AXJZZ1010"),
        ("643002409999990000000000000001…643002409999990000000000000100", NOTATIONS[-1][0]),
        (NOTATIONS[-1][0].replace(" - ", "-"), NOTATIONS[-1][0]),
        (I_REC[0].replace(" - ", "..."), I_REC[0]),
        (I_REC[0].replace(" - ", "-"), I_REC[0]),
        ("0000009999123456000001 to 0000009999123456000100", I_REC[0]),
        ("ERA-CDC_99_1_XX_CO_1_2020-1 to 10", "ERA-CDC_99_1_XX_CO_1_2020_1 a 10"),
    ],
)
def test_zeros_the_letter_o_and_other_orders_do_not_change_the_numbers(spelling: str, serial: str) -> None:
    assert_same_numbers(spelling, serial)


@pytest.mark.parametrize("serial", [*filter(None, PLAIN), "ABC-2019-2020", "VCS (1 to 2)", "Serial 1 to 2"])
def test_a_prefix_or_a_note_does_not_make_a_block_of_a_plain_text(serial: str) -> None:
    for spelling in (f"Serial: {serial}", f"{serial} (retired)", f"{serial} [1-2]"):
        assert parse_block(spelling) is None


@pytest.mark.parametrize("serial", [serial for serial, _, _ in ALL])
@pytest.mark.parametrize("place", ["26\u2013100 of 1,000", "0\u20131.5 t of 2.5 t"])
def test_a_place_in_a_credit_has_no_numbers(serial: str, place: str) -> None:
    for text in (serial, f"Serial: {serial}", serial.replace("-", "_")):
        assert parse_range(f"{text}, {place}") is None


@given(st.sampled_from(ALL), st.data())
def test_the_parts_of_a_block_have_its_numbers(notation: tuple[str, int, str], data: st.DataObject) -> None:
    serial, length, series = notation
    start = data.draw(st.integers(0, length - 1))
    count = data.draw(st.integers(1, length - start))
    block = block_of(serial)
    part = parse_range(block.part(start, count))
    assert part is not None
    # The same full serial twice may be any of its numbers; only the whole of which it is a part says which.
    if count > 1 or not serial.startswith(("RW", "ACR-FR-1129-2025-2917-30932 to ACR")):
        assert (part.series, part.first, part.length) == (series, block.first + start, count)
        assert part.is_clear


EDITS = [
    "0",
    "O",
    "1",
    "9",
    "-",
    "_",
    ".",
    "/",
    " ",
    " - ",
    " to ",
    "\u2013",
    "…",
    "(x)",
    "serial: ",
    "a",
    "",
]


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """Return a serial number in a known notation with some characters replaced."""
    text = draw(st.sampled_from([serial for serial, _, _ in ALL]))
    for _ in range(draw(st.integers(1, 3))):
        place, edit = draw(st.integers(0, len(text))), draw(st.sampled_from(EDITS))
        text = text[:place] + edit + text[place + draw(st.integers(0, 1)) :]
    return text


@settings(max_examples=500)
@given(mistyped())
def test_the_parts_of_a_mistyped_block_have_its_series(text: str) -> None:
    block = parse_block(text)
    if block and block.length > 1:
        part = parse_range(block.part(0, 2))
        assert part is not None
        assert (part.series, part.first, part.length) == (block.series, block.first, 2)


@pytest.mark.parametrize(
    "serial", ["ACR-FR-1129-2025-2917-30.932 to 35143", "GS1-1-KE-GS11603-16-2025-30256-1.110-5463"]
)
def test_a_dot_in_a_text_with_hyphens_is_no_separator(serial: str) -> None:
    assert parse_range(serial) is None


SAME_CLAIMS = [
    ("VCS-0001", "Serial: VCS-0001"),
    ("VCS-0001", "S/N vcs-0001 (retired)"),
    ("VCS-0001", "VCS-1"),
    ("VCS-0001", "VCS_0001"),
    ("VCS-0001", "VCS/0001 [Cancelled]"),
    ("VCS-0001", "VCS \u2013 0001"),
    ("VCS-1000", "VCS-1OOO"),
    ("A-31122018-0", "A-31122018-O"),
    ("CDC_1_1_1_321_14_1_2009", "Serial number CDC-1-1-1-321-14-1-2009"),
]
OTHER_CLAIMS = [
    ("VCS-0001", "VCS-0010"),
    ("VCS-0001 (A)", "VCS-0001 (B)"),
    ("VCS-0001 (1)", "VCS-0001 (2)"),
    ("PROJECT-O", "PROJECT-0"),
    ("VCS-O1-5", "VCS-01-5"),
    ("VCS-0001, 1\u20134 of 10", "VCS-0001, 01\u20134 of 10"),
    ("1.5", "1-5"),
    ("Serial", "S"),
    ("Serial-1", "1"),
]


@pytest.mark.parametrize(("one", "other"), SAME_CLAIMS)
def test_spellings_of_one_serial_number_hold_one_claim(one: str, other: str) -> None:
    assert claim_key(canonical(one)) == claim_key(canonical(other))


@pytest.mark.parametrize(("one", "other"), OTHER_CLAIMS)
def test_other_serial_numbers_hold_claims_of_their_own(one: str, other: str) -> None:
    assert claim_key(canonical(one)) != claim_key(canonical(other))
