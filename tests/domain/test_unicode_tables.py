import sys
import unicodedata
from typing import Final

import pytest

from webapp.domain import unicode14
from webapp.domain.unicode14 import CodePoints

ALL: Final = [chr(code) for code in range(sys.maxunicode + 1)]
SAME_UNICODE: Final = unicodedata.unidata_version == "14.0.0"

# Where this Python has another Unicode than the tables, only what no version ever changes can be
# compared: that a code point is assigned, and these categories.
TABLES: Final = {"CONTROL": "Cc", "SURROGATE": "Cs", "PRIVATE_USE": "Co"} | (
    {"FORMAT": "Cf"} if SAME_UNICODE else {}
)


@pytest.mark.parametrize(("name", "category"), TABLES.items())
@pytest.mark.slow
def test_the_table_has_the_code_points_of_its_category(name: str, category: str) -> None:
    table: CodePoints = getattr(unicode14, name)
    assert [hex(ord(c)) for c in ALL if (c in table) is not (unicodedata.category(c) == category)] == []


def test_what_the_table_says_is_assigned_is_assigned_in_this_python() -> None:
    assigned = [c for c in ALL if c in unicode14.ASSIGNED]
    assert [hex(ord(c)) for c in assigned if unicodedata.category(c) == "Cn"] == []


def test_what_is_assigned_in_this_python_is_in_the_table_or_newer_than_it() -> None:
    elsewhere = {"Cn", "Cc", "Cs", "Co"}
    missing = [c for c in ALL if unicodedata.category(c) not in elsewhere and c not in unicode14.ASSIGNED]
    assert missing == [] or not SAME_UNICODE


def test_the_table_has_as_many_characters_as_unicode_14() -> None:
    assert sum(c in unicode14.ASSIGNED for c in ALL) == 144_697


def test_the_default_ignorable_code_points_are_those_of_the_unicode_database() -> None:
    """DerivedCoreProperties-14.0.0.txt, 4,174 code points, by their ranges there."""
    ranges = (
        "ad-ad 34f-34f 61c-61c 115f-1160 17b4-17b5 180b-180d 180e-180e 180f-180f 200b-200f "
        "202a-202e 2060-2064 2065-2065 2066-206f 3164-3164 fe00-fe0f feff-feff ffa0-ffa0 "
        "fff0-fff8 1bca0-1bca3 1d173-1d17a e0000-e0fff"
    ).split()
    pairs = [(int(a, 16), int(b, 16)) for a, b in (text.split("-") for text in ranges)]
    expected = {chr(code) for first, last in pairs for code in range(first, last + 1)}
    assert len(expected) == 4174
    assert {c for c in ALL if c in unicode14.DEFAULT_IGNORABLE} == expected


def test_the_overrides_and_isolates_are_those_of_the_contract() -> None:
    found = [f"{ord(c):x}" for c in ALL if c in unicode14.BIDIRECTIONAL_CONTROL]
    assert found == "202a 202b 202c 202d 202e 2066 2067 2068 2069".split()


def test_the_ends_of_a_range_are_in_it_and_their_neighbours_are_not() -> None:
    table = CodePoints("20-7e a0")
    assert [c in table for c in "\x1f\x20\x7e\x7f\x9f\xa0\xa1\U0010ffff"] == [
        False,
        True,
        True,
        False,
        False,
        True,
        False,
        False,
    ]
