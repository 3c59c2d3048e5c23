"""Countries by name and code."""

import pytest

from webapp.domain.countries import is_in_eu


@pytest.mark.parametrize("text", ["DE", "deu", "germany", "EL", "GR", "Czech Republic", "Réunion"])
def test_a_member_state_is_in_the_eu_by_any_of_its_names(text: str) -> None:
    assert is_in_eu(text) is True


@pytest.mark.parametrize("text", ["GB", "UK", "Kenya", "Viet Nam", "Vietnam", "CHE", "Türkiye", "Turkey"])
def test_another_country_is_not(text: str) -> None:
    assert is_in_eu(text) is False


@pytest.mark.parametrize("text", ["", "Atlantis", "Europe", "DE-BY"])
def test_of_what_is_no_country_it_is_not_known(text: str) -> None:
    assert is_in_eu(text) is None
