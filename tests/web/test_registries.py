"""The pages of registries: their names, what a join unites, and the warning on both credits."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded
from tests.fixtures.forms import submit
from tests.web.pages import links
from webapp.accounts.actors import LOCAL
from webapp.ledger import registries
from webapp.ledger.commands import cancel_credit

JOIN = "/registries/join?registry=Gold+Standard&alias=GS"


def test_joining_names_shows_the_pairs_and_asks_for_a_tick(client: FlaskClient) -> None:
    first, second = recorded(registry="GS"), recorded(registry="Gold Standard")
    page = client.get(JOIN).text
    assert "1 with the same serial number" in page
    assert page.index(f"/credits/{first}") < page.index(f"/credits/{second}")
    refused = submit(client, page, "/registries/join", fields={})
    assert (refused.status_code, registries.list_registries()[0].aliases) == (422, [])
    joined = submit(client, page, "/registries/join", fields={"accepts_pairs": "y"})
    assert joined.status_code == 303
    assert "same as <bdi>Gold Standard</bdi>" in client.get("/registries").text
    for one, other in ((first, second), (second, first)):
        assert f"/credits/{other}" in client.get(f"/credits/{one}").text
    cancel_credit(second, {"reason": "Twice"}, LOCAL)
    assert "recorded twice" not in client.get(f"/credits/{first}").text


def test_pairs_that_were_not_shown_are_not_accepted(client: FlaskClient) -> None:
    recorded(registry="Gold Standard"), recorded(registry="GS", serial_number="2")
    page = client.get(JOIN).text
    recorded(registry="GS")
    refused = submit(client, page, "/registries/join", fields={"accepts_pairs": "y"})
    assert refused.status_code == 409
    assert "1 with the same serial number" in refused.text


@pytest.mark.parametrize(("is_void", "names"), [(False, ["GS"]), (True, [])])
def test_names_are_separated_unless_they_unite_credits(
    client: FlaskClient, *, is_void: bool, names: list[str]
) -> None:
    recorded(registry="GS")
    second = recorded(registry="Gold Standard")
    registries.join_names({"registry": "Gold Standard", "alias": "GS"}, LOCAL, accepts_pairs=True)
    if is_void:
        cancel_credit(second, {"reason": "Twice"}, LOCAL)
    submit(client, client.get("/registries").text, "/registries/separate", fields={})
    answer = client.get("/registries")
    assert (f"/credits/{second}" in links(answer).values()) is not is_void
    assert [name for each in registries.list_registries() for name in each.aliases] == names


def test_well_known_registries_have_display_names(client: FlaskClient) -> None:
    recorded(registry="verra")
    assert "Verra (VCS) · verra" in client.get("/registries").text
