"""A date that cannot be right needs a tick on the forms of a sale and a retirement."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded
from tests.fixtures.forms import form_of, parse, submit
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import sell_credit

TICK = "is_date_confirmed"
VINTAGE = "date 2022-12-31 is before 2023-01-01, when the vintage 2023 begins."
SALE = "The retirement date 2026-02-28 is before 2026-03-01, when the credit was sold."

acts = pytest.mark.parametrize(
    ("act", "day", "sentence"),
    [("sell", "2022-12-31", VINTAGE), ("retire", "2022-12-31", VINTAGE), ("retire", "2026-02-28", SALE)],
    ids=["a sale before the vintage", "a retirement before the vintage", "a retirement before the sale"],
)


def a_sold_credit() -> str:
    credit_id = recorded()
    sell_credit(credit_id, {"occurred_on": "2026-03-01"}, LOCAL)
    return credit_id


@acts
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "row"])
def test_it_is_recorded_only_with_the_tick(
    client: FlaskClient, act: str, day: str, sentence: str, headers: dict[str, str]
) -> None:
    credit_id = a_sold_credit() if sentence == SALE else recorded()
    address = f"/credits/{credit_id}/{act}"
    party = {"retire": "beneficiary", "sell": "buyer"}[act]
    form = client.get(address, headers=headers)
    assert TICK not in form.text
    asked = submit(client, form, address, headers=headers, occurred_on=day, fields={party: "Acme"})
    assert asked.status_code == 422
    assert f"{sentence} Change the date, or tick" in " ".join(parse(asked.text).text.split())
    before = len(queries.record(credit_id).events)
    done = submit(client, asked, address, headers=headers, fields={TICK: True})
    assert done.status_code in {200, 303}
    events = queries.record(credit_id).events
    assert (len(events), events[-1].data["occurred_on"]) == (before + 1, day)


def test_a_tick_stays_with_its_sentence_while_something_else_is_wrong(client: FlaskClient) -> None:
    address = f"/credits/{a_sold_credit()}/retire"
    asked = submit(client, client.get(address), address, occurred_on="2026-02-28", beneficiary="Acme")
    page = submit(client, asked, address, fields={TICK: True, "beneficiary": ""})
    assert page.status_code == 422
    assert SALE in page.text
    assert TICK in form_of(page, address).values


@pytest.mark.parametrize("day", ["2999-01-01", "1989-12-31", "soon"])
def test_a_date_that_is_refused_is_not_to_be_confirmed(client: FlaskClient, day: str) -> None:
    address = f"/credits/{recorded()}/sell"
    page = submit(client, client.get(address), address, occurred_on=day)
    assert page.status_code == 422
    assert TICK not in page.text
