import time
import unicodedata

import pytest

from webapp.domain.text import (
    CACHED_LENGTH_MAX,
    COMPOSED_OF_MAX,
    ForbiddenCharacter,
    canonical,
    canonical_of_short,
    length_before_composing,
    recorded,
    strip_edges,
)
from webapp.domain.unicode14 import ASSIGNED, DEFAULT_IGNORABLE, FORMAT

ZERO_WIDTH_SPACE, WORD_JOINER, SOFT_HYPHEN, CGJ = "\u200b", "\u2060", "\u00ad", "\u034f"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("  Mangrove \u3000 Project\t\r\n", "Mangrove Project"),
        ("\x0b\x0c\x85\u2028\u2029A\u2028B", "A B"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("\u212b", "\u00c5"),
        ("\ufb01ne", "\ufb01ne"),
        ("STRASSE", "STRASSE"),
        ("A\u200dB", "A\u200dB"),
        ("A \u200b B", "A \u200b B"),
        ("", ""),
        (" \t ", ""),
    ],
)
def test_a_text_is_recorded_in_nfc_with_plain_spaces(given: str, expected: str) -> None:
    assert recorded(given) == expected


def test_a_note_keeps_its_lines_with_one_kind_of_line_break() -> None:
    note = "\r\n  one \t\r\n\r\n two\u3000 words\rthree\n\n"
    assert recorded(note.replace("\t", ""), newlines=True) == "one\n\ntwo words\nthree"


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\t", "control character"),
        ("\n", "control character"),
        ("\x00", "control character"),
        ("\x1c", "control character"),
        ("\x7f", "control character"),
        ("\x85", "control character"),
        ("\x9f", "control character"),
        ("\ud800", "surrogate"),
        ("\ue000", "private-use"),
        ("\uf8ff", "private-use"),
        ("\U000f0000", "private-use"),
        ("\U0010fffd", "private-use"),
        ("\u0378", "not assigned in Unicode 14.0"),
        ("\ufdd0", "not assigned in Unicode 14.0"),
        ("\uffff", "not assigned in Unicode 14.0"),
        ("\U0010ffff", "not assigned in Unicode 14.0"),
        *[(chr(code), "text direction") for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))],
    ],
)
def test_a_text_with_this_character_inside_is_refused(character: str, reason: str) -> None:
    with pytest.raises(ForbiddenCharacter, match=reason):
        recorded(f"A{character}B")


@pytest.mark.parametrize(
    "character",
    [
        "\U00011f00",  # KAWI SIGN CANDRABINDU, Unicode 15.0
        "\U0001fae8",  # SHAKING FACE, Unicode 15.0
        "\u2ffc",  # an ideographic description character, Unicode 15.1
        "\U00010d40",  # GARAY DIGIT ZERO, Unicode 16.0
        "\u0cf3",  # KANNADA SIGN COMBINING ANUSVARA ABOVE RIGHT, Unicode 15.0
    ],
)
def test_a_character_newer_than_unicode_14_is_refused_whatever_python_runs(character: str) -> None:
    with pytest.raises(ForbiddenCharacter, match=r"not assigned in Unicode 14\.0"):
        recorded(character)


@pytest.mark.parametrize("character", ["\u200e", "\u200f", "\u061c", "\u200b", "\u200d", "\ufeff", "\u180e"])
def test_a_format_character_that_does_not_override_direction_is_accepted(character: str) -> None:
    assert recorded(f"A{character}B") == f"A{character}B"


@pytest.mark.parametrize("character", ["\x1c", "\x1f", "\x00", "\x7f", "\x1b"])
def test_a_control_that_is_no_white_space_is_refused_at_the_edges_too(character: str) -> None:
    for text in (character + "A", "A" + character):
        with pytest.raises(ForbiddenCharacter):
            recorded(text)


def test_the_refusal_names_the_character_and_its_place() -> None:
    with pytest.raises(ForbiddenCharacter, match=r"^Character 3 \(U\+202E\) is "):
        recorded(" AB\u202eC")


def test_a_control_is_refused_in_a_note_too() -> None:
    with pytest.raises(ForbiddenCharacter, match=r"Character 4 \(U\+0009\)"):
        recorded("a\nb\tc", newlines=True)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("VCS", "vcs"),
        ("VCS", "\uff36\uff23\uff33"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Café", "CAFE\u0301"),
        ("Solar Farm", f"so{ZERO_WIDTH_SPACE}lar\u00a0\u3000f{SOFT_HYPHEN}arm{WORD_JOINER}"),
        ("Solar", f"So{CGJ}lar"),
        ("A 1", "A\ufe0f \u2460"),
        ("½", "1\u20442"),
        ("\u115fA\u3164", "a"),
        ("\u03b1\u0345\u0301", "\u1fb4"),
        ("A  B", f"A {ZERO_WIDTH_SPACE} B"),
    ],
)
def test_texts_that_mean_the_same_have_one_canonical_form(ours: str, theirs: str) -> None:
    assert canonical(ours) == canonical(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("Café", "Cafe"), ("A B", "AB"), ("A-B", "A\u2013B"), ("O", "0"), ("\u0410", "A")]
)
def test_texts_that_differ_to_a_reader_keep_different_canonical_forms(ours: str, theirs: str) -> None:
    assert canonical(ours) != canonical(theirs)


@pytest.mark.parametrize("text", ["\u200b", "\u00ad \u2060", "\ufe0f", "\U000e0041", "\u3164", "\u034f"])
def test_a_text_of_nothing_visible_is_empty_in_canonical_form(text: str) -> None:
    assert canonical(text) == ""


# Every code point except unassigned planes and surrogates.
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0x110000)]


@pytest.mark.slow
def test_the_canonical_form_is_idempotent_for_every_code_point() -> None:
    forms = {code: canonical(chr(code)) for code in CODE_POINTS}
    assert [hex(code) for code, form in forms.items() if canonical(form) != form] == []


@pytest.mark.slow
def test_the_canonical_form_is_as_documented_for_every_code_point() -> None:
    def by_the_contract(text: str) -> str:
        for _ in range(2):
            text = unicodedata.normalize("NFKC", text).casefold()
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if c not in FORMAT and c not in DEFAULT_IGNORABLE)
        return " ".join(unicodedata.normalize("NFKC", text).split())

    texts = [chr(code) for code in CODE_POINTS if chr(code) in ASSIGNED and code > 0x1F]
    assert [hex(ord(text)) for text in texts if canonical(text) != by_the_contract(text)] == []


def test_white_space_is_that_of_unicode_at_the_edges() -> None:
    white = [chr(c) for c in range(0x110000) if not strip_edges(chr(c))]
    assert [f"{ord(c):x}" for c in white] == (
        "9 a b c d 20 85 a0 1680 2000 2001 2002 2003 2004 2005 2006 2007 2008 2009 200a "
        "2028 2029 202f 205f 3000"
    ).split()


@pytest.mark.parametrize("text", [f"1{' ' * 3_000_000}1", "\u00e9" * 3_000_000], ids=["spaces", "letters"])
def test_a_very_long_text_is_normalised_quickly(text: str) -> None:
    started = time.process_time()
    strip_edges(text)
    recorded(text)
    assert time.process_time() - started < 2


def test_no_character_is_composed_of_more_than_the_assumed_maximum() -> None:
    composed = [c for c in map(chr, range(0x110000)) if len(unicodedata.normalize("NFD", c)) > 1]
    most = max(len(unicodedata.normalize("NFD", c)) for c in composed)
    assert most == COMPOSED_OF_MAX


def test_a_length_before_composing_is_without_the_space_that_is_not_recorded() -> None:
    assert length_before_composing(" a \t", newlines=False) == 1
    assert length_before_composing("a" + " \u3000" * 1000 + "e\u0301", newlines=False) == 4
    assert length_before_composing(" a" + " \r\n " * 10 + "b\n", newlines=True) == 12


def test_the_canonical_form_of_a_long_text_is_not_cached() -> None:
    before = canonical_of_short.cache_info().currsize
    assert len(canonical("\ufdfa" * CACHED_LENGTH_MAX + "unheard of")) > 18 * CACHED_LENGTH_MAX
    assert canonical_of_short.cache_info().currsize == before
