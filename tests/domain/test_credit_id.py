import subprocess
from hashlib import sha256

import pytest

from tests.domain.golden import GOLDEN, GOLDEN_LOTS, GOLDEN_REPLACEMENT, MANGROVE, credit_from
from webapp.domain.credit import Credit, parse_credit


@pytest.mark.parametrize(("fields", "expected"), GOLDEN)
def test_a_golden_credit_keeps_its_id(fields: tuple[str, str, str, str, str | None], expected: str) -> None:
    assert credit_from(*fields).id == expected


@pytest.mark.parametrize(("offset_e4", "quantity_e4", "expected"), GOLDEN_LOTS)
def test_a_golden_lot_keeps_its_id(offset_e4: int, quantity_e4: int, expected: str) -> None:
    lot = Credit("M", "VCS", 2023, quantity_e4, None, parent=MANGROVE, offset_e4=offset_e4)
    assert lot.id == expected


def test_the_id_of_a_lot_depends_only_on_its_parent_and_place() -> None:
    offset_e4, quantity_e4, expected = GOLDEN_LOTS[1]
    renamed = Credit("N", "GS", 1990, quantity_e4, "S", parent=MANGROVE, offset_e4=offset_e4)
    assert renamed.id == expected


def test_a_golden_replacement_keeps_its_id() -> None:
    values: dict[str, object] = {
        "project_name": "Mangrove Restoration Project",
        "registry": "VCS",
        "vintage": "2022",
        "quantity": "100",
        "serial_number": "VCS-0001",
    }
    assert parse_credit({**values, "replaces": MANGROVE}).id == GOLDEN_REPLACEMENT
    assert parse_credit(values).id != GOLDEN_REPLACEMENT


@pytest.mark.parametrize("replaces", [None, "", "  "])
def test_a_credit_that_replaces_nothing_keeps_its_id(replaces: str | None) -> None:
    fields, expected = GOLDEN[0]
    values = dict(
        zip(("project_name", "registry", "vintage", "quantity", "serial_number"), fields, strict=True)
    )
    assert parse_credit({**values, "replaces": replaces}).id == expected


def test_numbers_as_text_and_as_json_numbers_make_one_id() -> None:
    fields, expected = GOLDEN[1]
    name, registry, vintage, quantity, serial = fields
    values = {
        "project_name": name,
        "registry": registry,
        "vintage": vintage,
        "quantity": quantity,
        "serial_number": serial,
    }
    assert parse_credit(values).id == expected


def test_anyone_can_recompute_an_id_with_a_shell() -> None:
    script = (
        r"""printf 'credit/v1\n{"project_name":"strasse fine","quantity":"1","registry":"gs","""
        r""""serial_number":"","vintage":"2020"}' | sha256sum"""
    )
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split()[0] == credit_from("Straße \ufb01ne", "GS", "2020", "1", None).id


def test_the_id_is_the_hash_of_unescaped_canonical_json() -> None:
    text = (
        'credit/v1\n{"project_name":"i\u0307stanbul a1\u20442","quantity":"0.0001",'
        '"registry":"gs","serial_number":"","vintage":"2020"}'
    )
    credit = credit_from("\u0130stanbul \uff21\u00bd", "GS", "2020", "0.0001", None)
    assert credit.id == sha256(text.encode()).hexdigest()


def test_a_missing_serial_number_is_recorded_as_none() -> None:
    assert credit_from("A", "B", "2020", "1", " \u200b ").serial_number is None


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("A", "B", "2020", "1", None), ("A", "B", "2020", "1", "1")),
        (("A", "B", "2020", "1", None), ("A", "B", "2021", "1", None)),
        (("A", "B", "2020", "1", None), ("A", "B", "2020", "1.0001", None)),
        (("A B", "C", "2020", "1", None), ("A", "B C", "2020", "1", None)),
        (("AB", "C", "2020", "1", None), ("A B", "C", "2020", "1", None)),
        (("Café", "C", "2020", "1", None), ("Cafe", "C", "2020", "1", None)),
    ],
)
def test_credits_that_differ_in_one_field_have_different_ids(
    ours: tuple[str, str, str, str, str | None], theirs: tuple[str, str, str, str, str | None]
) -> None:
    assert credit_from(*ours).id != credit_from(*theirs).id
