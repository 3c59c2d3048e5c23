"""Cells that no spreadsheet evaluates, however it splits them, and that come back as they were."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.spreadsheet_cells import neutral, original

STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.sampled_from([*STARTS, *"'\"; |,aA1 "]), max_size=12) | st.text(max_size=12)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("Forest;=cmd|' /C calc'!A0", "Forest;'=cmd|' /C calc'!A0"),
        ("Forest\t@SUM(A1)", "Forest\t'@SUM(A1)"),
        ("two\n-lines", "two\n'-lines"),
        ('a;"=1"', 'a;\'"=1"'),
        ("'=1", "''=1"),
        ("GS1-1-KE; Wind + Sun", "GS1-1-KE; Wind + Sun"),
        ("5 °C, 3 - 4", "5 °C, 3 - 4"),
    ],
)
def test_an_apostrophe_stands_where_a_formula_would_begin(text: str, cell: str) -> None:
    assert neutral(text) == cell


@given(TEXTS)
def test_no_part_of_a_cell_begins_like_a_formula(text: str) -> None:
    for separator in (";", "\t", "[|]", "[\r\n]", "[;\t|\r\n]"):
        for part in re.split(separator, neutral(text)):
            assert not part.lstrip(' "').startswith(("=", "+", "-", "@", *STARTS[7:])), (text, part)


@given(TEXTS)
def test_every_text_comes_back_from_its_cell(text: str) -> None:
    assert original(neutral(text)) == text
