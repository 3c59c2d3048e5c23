"""Search finds a credit by any part of its texts, in any spelling, on both databases."""

from collections.abc import Iterator

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import create_credit
from webapp.ledger.listing import list_credits, sum_credits
from webapp.ledger.search.credit_filter import CreditFilter

PROJECTS = {
    "1": "Mangrove Restoration Project",
    "2": "Caf\u00e9 Stra\u00dfe \ufb01ne",
    "3": "100% a_b",
    "4": "1000 aXb",
    "5": 'Say "Hi" NOT OR AND NEAR',
    "6": "back\\slash /slash/ *star* ^caret (paren) col:umn -minus +plus {brace}",
    "7": "\u65e5\u672c\u8a9e \U0001f333\U0001f333\U0001f333\U0001f333",
    "8": "\u0130stanbul \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "9": "O'Brien; DROP TABLE credits",
    "a": "C\u00f4te d\u2019\u00c9meraude",
    "b": "Reforesta\u00e7\u00e3o S\u00e3o F\u00e9lix \u2014 \u0141\u00f3d\u017a, \u00c6r\u00f8",
    "c": "\u00c1o d\u00e0i \u5c71\u304c \u0939\u093f",
}


@pytest.fixture(scope="module", params=DIALECTS)
def _projects(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[None]:
    with opened(make_module_database(request.param)):
        for number, name in PROJECTS.items():
            values = a_credit(project_name=name, registry="R\u00e9g", serial_number=f"X{number}Y")
            create_credit(values, LOCAL)
        yield


pytestmark = pytest.mark.usefixtures("_projects")


def found(q: str) -> str:
    page = list_credits(CreditFilter(q=q, descending=False))
    assert sum_credits(CreditFilter(q=q)).all.credits == len(page.items)
    return "".join(str(credit.serial_number)[1] for credit in page.items)


ALL = "123456789abc"


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("", ALL),
        ("  \u200b ", ALL),
        ("mangrove", "1"),
        ("MANGROVE project", "1"),
        ("project mangrove", "1"),
        ("angro", "1"),
        ("mangrove nowhere", ""),
        ("r\u00e9g", ALL),
        ("re\u0301G", ALL),
        ("x4y", "4"),
        ("X4", ""),
        ("caf\u00e9", "2"),
        ("cafe\u0301", "2"),
        ("cafe", "2"),
        ("CAF\u00c8", "2"),
        ("strasse", "2"),
        ("STRA\u1e9eE", "2"),
        ("fine", "2"),
        ("fi", ""),
        ("100%", "3"),
        ("%", ""),
        ("0%", ""),
        ("%%", ""),
        ("a_b", "3"),
        ("_", ALL),
        ("_b", "3"),
        ("axb", "4"),
        ('"', ""),
        ('"hi"', "5"),
        ('""', ""),
        ("not or and near", "5"),
        ("NEAR", "5"),
        ("\\", ""),
        ("back\\slash", "6"),
        ("back\\\\slash", ""),
        ("/slash/", "6"),
        ("//", ALL),
        ("*star*", "6"),
        ("star*", "6"),
        ("man*", ""),
        ("^caret (paren) col:umn -minus +plus {brace}", "6"),
        ("search_key:mangrove", ""),
        ("\u65e5", ""),
        ("\u672c\u8a9e", ""),
        ("\u65e5\u672c\u8a9e", "7"),
        ("\U0001f333", ""),
        ("\U0001f333\U0001f333\U0001f333", "7"),
        ("\u0130STANBUL", "8"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3", "8"),
        ("o'brien;", "9"),
        ("n; DROP", ""),
        ("brien; DROP", "9"),
        ("mangrove an", ""),
        ("hi say", ""),
        ("or", "5"),
        ("O", "9"),
        ("o\u2019brien", "9"),
        ("cote d'emeraude", "a"),
        ("C\u00f4te d'\u00c9meraude", "a"),
        ("emeraude", "a"),
        ("d\u2019emeraude", "a"),
        ("sao felix", "b"),
        ("S\u00c3O F\u00c9LIX", "b"),
        ("s\u0101o", "b"),
        ("f\u00e9lix-\u0142\u00f3d\u017a", ""),
        ("lodz", "b"),
        ("aero", "b"),
        ("ao", "c"),
        ("ao dai", "c"),
        ("\u5c71\u304b", ""),
        ("\u5c71\u304c \u0939\u093f", "c"),
        ("\u2019", ALL),
        ("\u2014", ALL),
    ],
    ids=ascii,
)
def test_a_search_finds_every_word_anywhere_and_short_ones_as_whole_words(q: str, expected: str) -> None:
    assert "".join(sorted(found(q))) == expected


@pytest.mark.parametrize(
    "q", ["\0", "a\0b", "man\0grove", "\ud800", "\x1c", "\U0010ffff", "\0" * 3], ids=ascii
)
def test_a_search_for_impossible_characters_finds_nothing(q: str) -> None:
    assert found(q) == ""


def test_a_credit_is_found_by_its_id_or_the_beginning_of_it() -> None:
    credit_id = list_credits(CreditFilter(q="mangrove")).items[0].id
    assert found(credit_id) == "1"
    assert found(credit_id.upper()) == "1"
    assert found(credit_id[:6]) == found(credit_id[:7]) == "1"
    assert found(credit_id[:5]) == found(credit_id[20:40]) == ""
    assert found(f"{credit_id[:8]} mangrove") == "1"
    assert found(f"{credit_id[:8]} zebra") == ""


@pytest.mark.parametrize("registry", ["\0", "\ud800"], ids=ascii)
def test_an_impossible_registry_matches_no_credit(registry: str) -> None:
    assert list_credits(CreditFilter(registries=(registry,))).items == []
    assert sum_credits(CreditFilter(registries=(registry,))).all.credits == 0


@pytest.mark.parametrize("vintage", [0, -1, 2**31, 2**63, 10**30])
def test_an_impossible_vintage_matches_no_credit(vintage: int) -> None:
    assert list_credits(CreditFilter(vintage_from=vintage, vintage_to=vintage)).items == []
    assert sum_credits(CreditFilter(vintage_from=vintage, vintage_to=vintage)).all.credits == 0


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_search_of_very_many_words_is_answered(length: int) -> None:
    assert found(" ".join(chr(0x4E00 + number) * length for number in range(3000))) == ""


def test_words_that_are_repeated_are_looked_for_once() -> None:
    assert found("mangrove " * 2000) == "1"
