"""The split history on the page of a credit: the whole tree, or an excerpt of a large one."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded
from tests.fixtures.forms import parse
from tests.web.pages import links, words
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import retire_credit, split_credit


def family_of(page: TestResponse) -> list[str]:
    """Return the text of each node."""
    tree = next(e for e in parse(page.text).find_all("ul") if e["class"] == "split-tree")
    return [words(member) for member in tree.find_all("li")]


def test_a_family_is_shown_from_each_of_its_members(client: FlaskClient) -> None:
    credit_id = recorded(quantity="100")
    first = retire_credit(credit_id, {"quantity": "25"}, LOCAL)
    second = retire_credit(str(first.rest_id), {"quantity": "5"}, LOCAL)
    for member in (credit_id, first.rest_id, second.credit_id):
        said = family_of(client.get(f"/credits/{member}"))
        assert [text.split(" this credit")[0] for text in said] == [
            "100 t SPLIT VCS-0001",
            "25 t RETIRED VCS-0001, 1–25 of 100",  # noqa: RUF001
            "75 t SPLIT VCS-0001, 26–100 of 100",  # noqa: RUF001
            "5 t RETIRED VCS-0001, 26–30 of 100",  # noqa: RUF001
            "70 t ACTIVE VCS-0001, 31–100 of 100",  # noqa: RUF001
        ]
        assert sum("this credit" in text for text in said) == 1


def test_of_a_large_family_the_active_and_sold_lots_are_shown_before_the_retired(client: FlaskClient) -> None:
    credit_id = recorded(quantity="200")
    lots = split_credit(credit_id, {"quantities": ["50", "100", "50"]}, LOCAL).lot_ids
    split_credit(lots[0], {"quantities": ["1"] * 50}, LOCAL)
    retired = retire_credit(lots[1], {}, LOCAL).credit_id
    below = split_credit(lots[2], {"quantities": ["1"] * 50}, LOCAL).lot_ids
    page = client.get(f"/credits/{below[0]}")
    said = family_of(page)
    assert sum("ACTIVE" in member for member in said) == 100
    assert not any("RETIRED" in member for member in said)
    hint = "Not shown: 2 others, 1 with tonnes. Open one of the credits to see those next to it."
    assert hint in words(page)
    assert f"/credits/{retired}" in links(client.get(f"/credits/{credit_id}")).values()


def test_a_large_family_that_is_shown_whole_says_of_nothing_more(client: FlaskClient) -> None:
    credit_id = recorded(quantity="100")
    split_credit(credit_id, {"quantities": ["1"] * 100}, LOCAL)
    page = client.get(f"/credits/{credit_id}")
    assert len(family_of(page)) == 101
    assert "left out" not in words(page)
    assert "Open one of the credits to see those next to it" not in words(page)


def test_from_either_end_of_a_long_chain_the_other_is_in_reach(client: FlaskClient) -> None:
    root = rest = recorded(quantity="100")
    for _ in range(31):
        rest = str(retire_credit(rest, {"quantity": "1"}, LOCAL).rest_id)
    of_the_root, of_the_rest = client.get(f"/credits/{root}"), client.get(f"/credits/{rest}")
    assert f"/credits/{rest}" in links(of_the_root).values()
    assert f"/credits/{root}" in links(of_the_rest).values()
    above = [member for member in family_of(of_the_rest) if "SPLIT" in member]
    assert len(above) == 5
    assert "Not shown: 26 others. Open one of" in words(of_the_rest)


def test_a_credit_without_relations_shows_no_family(client: FlaskClient) -> None:
    assert 'id="split-history"' not in client.get(f"/credits/{recorded()}").text
