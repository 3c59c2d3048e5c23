"""Which names are proposed as those of one party."""

import pytest

from webapp.domain.similar_names import differs_by_at_most, similar_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hilltop Tools AG", "HILLTOP TOOLS A.G."),
        ("Hilltop Tools AG", "Tools, Hilltop"),
        ("Hilltop Tools A. G.", "Hilltop-Tools Ltd."),
        ("Müller & Söhne GmbH & Co. KG", "Mueller and Soehne"),
        ("Łódź Airlines S.A.", "Łodz Airlines"),
        ("Northwind Airlines", "Nortwhind Airline"),
        ("Acmex", "Acmey Inc."),
    ],
)
def test_names_of_one_party_are_similar(one: str, other: str) -> None:
    others = ("Aardvark", "Zebra Holding", "Millers Sons")
    assert similar_names((one, *others, other)) == ((one, other),)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Fund 1", "Fund 2"), ("Fund 1999", "Fund 199"), ("Acme", "Acne"), ("AG", "SA"), ("!!!", "???")],
)
def test_names_of_two_parties_are_not_similar(one: str, other: str) -> None:
    assert similar_names((one, other)) == ()


@pytest.mark.parametrize(
    ("slips", "one", "other"),
    [(1, "abcde", "abde"), (1, "abcd", "abdc"), (2, "abcde", "xbcdy"), (0, "a", "a")],
)
def test_slips_are_letters_added_left_out_changed_or_swapped(slips: int, one: str, other: str) -> None:
    assert differs_by_at_most(slips, one, other)
    assert differs_by_at_most(slips, other, one)
    assert not differs_by_at_most(slips, f"{one}zz1", f"zz2{other}")
