"""A serial number that is held is refused in every spelling and notation, and the holder is named."""

import json

import pytest

from tests.fixtures.credits import a_credit
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import BlockHeld, SerialHeld
from webapp.imports import jobs, views
from webapp.ledger import archive, queries
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit, split_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

Values = dict[str, object]
VERRA = "95313-681393912-681394011-VCS-VCU-208-VER-CA-3-929-01012018-31122018-0"
UK = "WCC-WCU-GB-103000000029999-01012015-31122019-{}-MER-0-P"
I_REC = "0000-0099-9912-3456.{} - 0000-0099-9912-3456.000100"
GO = "6430024099999900000000000{} - 643002409999990000000000000100"
# A block, and a text that names some of its numbers: the text and the quantity of each.
OVERLAPPING = [
    (UK.format("1-500"), 500, UK.format("401-500"), 100),
    ("CORC-99001-2024-1-100", 100, "CORC-99001-2024-51-100", 50),
    ("PV-9999-2021-1-100", 100, "PV-9999-2021-91-100", 10),
    ("KH-1-2-9042-1-930-2024", 930, "KH-1-2-9042-911-930-2024", 20),
    ("ACR-99-2019-1-100", 100, "ACR-99-2019-1 to 100", 100),
    ("AXJZZ1000-AXJZZ1010", 11, "AXJZZ1006-AXJZZ1010", 5),
    (I_REC.format("000001"), 100, I_REC.format("000091"), 10),
    (GO.format("00001"), 100, GO.format("00091"), 10),
    ("CDC_1_1_1_321_14_1_2009-1 to 30", 30, "CDC_1_1_1_321_14_1_2009-30 to 31", 2),
    ("ERA-CDC_99_1_XX_CO_1_2020_1 a 10", 10, "ERA-CDC_99_1_XX_CO_1_2020_10 a 11", 2),
    (VERRA, 100, VERRA[:-1] + "O", 100),
    (VERRA, 100, f"Serial: {VERRA}", 100),
    (VERRA, 100, f"{VERRA} (retired)", 100),
    (VERRA, 100, f"0{VERRA}", 100),
    (VERRA, 100, "95313_681393912_681394011_VCS_VCU_208", 100),
    (VERRA, 100, "VCS-VCU-208-VER-CA-3-929-01012018-31122018-0 95313-681393912-681394011", 100),
    # A single number of each is named as well.
    ("CORC-99001-2024-1-100", 100, "CORC-99001-2024-51", 1),
    ("AXJZZ1000-AXJZZ1010", 11, "AXJZZ1006", 1),
    (VERRA, 100, "S/N 95313_681393950_VCS_VCU_208", 1),
]


def credit(serial: str, quantity: int, vintage: str = "2018", project: str = "Mangroves") -> Values:
    return a_credit(project_name=project, vintage=vintage, quantity=str(quantity), serial_number=serial)


def conflicts(*rows: Values) -> int:
    number = jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id
    return views.find(number).conflicting


def assert_refused(values: Values, holder: str) -> None:
    with pytest.raises(SerialHeld) as refusal:
        create_credit(values, LOCAL)
    assert refusal.value.holder == holder


def test_numbers_that_are_held_are_refused_in_either_order(subtests: pytest.Subtests) -> None:
    for block, length, text, quantity in OVERLAPPING:
        with subtests.test(block=block, text=text):
            # Another project each time, as the values of a cancelled credit cannot be recorded again.
            one, other = credit(block, length, project=text), credit(text, quantity, "2019", text)
            holder = create_credit(one, LOCAL).credit_id
            assert_refused(other, holder)
            if "retired" not in text:  # which is a row that is not active
                assert conflicts(other) == 1
            cancel_credit(holder, {"reason": "Typo"}, LOCAL)
            recorded = create_credit(other, LOCAL)
            assert recorded.record.credit.serial_number == text
            if quantity > 1:
                assert_refused(credit(block, length, "2020", text), recorded.credit_id)
            cancel_credit(recorded.credit_id, {"reason": "Typo"}, LOCAL)
    assert_sound()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VCS-0001", "Serial: VCS-0001"),
        ("VCS-0001", "vcs-1 (retired)"),
        ("XYZ-10", "XYZ-1O"),
        ("CDC_1_1_1_321_14_1_2009", "CDC-1-1-1-321-14-1-2009"),
    ],
)
def test_a_plain_serial_number_is_held_in_every_spelling(one: str, other: str) -> None:
    holder = create_credit(credit(one, 10), LOCAL).credit_id
    assert_refused(credit(other, 11), holder)
    assert create_credit(credit(other, 11) | {"registry": "Another"}, LOCAL).is_new
    cancel_credit(holder, {"reason": "Typo"}, LOCAL)
    second = create_credit(credit(other, 12), LOCAL).credit_id
    assert_refused(credit(one, 13), second)
    assert_sound()


def test_the_lots_of_a_block_hold_its_numbers_in_its_notation(subtests: pytest.Subtests) -> None:
    for serial, length, _, _ in OVERLAPPING[:11]:
        with subtests.test(serial=serial):
            root = create_credit(credit(f"Serial: {serial} (copy)", length), LOCAL).credit_id
            lots = split_credit(root, {"quantities": ["1", "2", str(length - 3)]}, LOCAL).lot_ids
            texts = [str(queries.credit(lot).serial_number) for lot in lots]
            assert all(text.startswith("Serial: ") and text.endswith(" (copy)") for text in texts)
            retire_credit(lots[2], {"quantity": "1"}, LOCAL)
            with pytest.raises(BlockHeld) as refusal:
                create_credit(credit(serial, length, "2019"), LOCAL)
            assert refusal.value.holder == lots[0]
            for lot in lots[:2]:
                cancel_credit(lot, {"reason": "Typo"}, LOCAL)
            assert create_credit(credit(texts[1].removeprefix("Serial: "), 2, "2019"), LOCAL).is_new
    assert_sound()
    assert archive.rebuild()


def test_a_file_that_states_one_serial_number_in_two_spellings_counts_it_once() -> None:
    assert conflicts(credit("VCS-0001", 10), credit("S/N VCS-1", 11)) == 1
    assert conflicts(credit(VERRA, 100), credit(f"Serial: {VERRA}", 100)) == 0
    assert views.find(2).summary.kinds["equal"]["rows"] == 1
