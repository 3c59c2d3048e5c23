"""Sales and retirements of a part, and splits, on pages."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded, sold
from tests.fixtures.forms import form_of, forms_of, parse, submit
from tests.web.pages import HTMX, links, part, table, words
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit, split_credit

BLOCK = "19385-941467001-941477000-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
INSIDE = "19385-941467101-941467200-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
PART = "19385-941467001-941467250-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
REST = "19385-941467251-941477000-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"


def a_block() -> str:
    return recorded(quantity="10000", serial_number=BLOCK)


def lots_of(credit_id: str) -> list[tuple[str, str, str | None]]:
    lots = queries.record(credit_id).relations.lots
    return [(lot.quantity, lot.status, lot.serial_number) for lot in lots]


def retire(
    client: FlaskClient,
    credit_id: str,
    quantity: str,
    headers: dict[str, str] | None = None,
    beneficiary: str = "Jane Doe",
) -> TestResponse:
    address = f"/credits/{credit_id}/retire"
    page = client.get(address, headers=headers)
    return submit(client, page, address, quantity=quantity, beneficiary=beneficiary, headers=headers)


def listed(page: TestResponse) -> list[str]:
    """Return the ids of the credits in the list."""
    rows = [e["id"] for e in parse(page.text).find_all("tbody")]
    return [row.removeprefix("credit-") for row in rows]


def test_a_part_is_retired_on_a_page_and_the_rest_stays_active(client: FlaskClient) -> None:
    credit_id = a_block()
    answer = retire(client, credit_id, "250")
    assert lots_of(credit_id) == [("250", "RETIRED", PART), ("9750", "ACTIVE", REST)]
    retired, rest = queries.record(credit_id).relations.lots
    assert (answer.status_code, answer.location) == (303, f"/credits/{retired.id}")
    page = client.get(answer.location)
    assert "Retired 250 t for Jane Doe on" in words(page)
    assert links(page)["9,750 t stay active"] == f"/credits/{rest.id}"


def test_who_takes_a_part_of_a_block_is_told_which_numbers_it_takes(client: FlaskClient) -> None:
    hint = "Serial numbers are taken from 941467001 up."
    assert hint in words(client.get(f"/credits/{a_block()}/sell"))
    assert "Serial numbers are taken" not in words(client.get(f"/credits/{recorded()}/sell"))


def test_a_part_is_retired_in_the_row_which_becomes_two(client: FlaskClient) -> None:
    credit_id = a_block()
    answer = retire(client, credit_id, "250", headers=HTMX)
    retired, rest = queries.record(credit_id).relations.lots
    assert answer.text.lstrip().startswith(f'<tbody id="credit-{retired.id}">')
    assert "RETIRED for Jane Doe" in words(part(answer, f"credit-{retired.id}"))
    assert REST in words(part(answer, f"credit-{rest.id}"))
    assert links(answer)["9,750 t stay active"] == f"/credits/{rest.id}"
    assert answer.headers["HX-Trigger"] == "ledger-changed"


def test_a_part_of_a_sold_credit_is_retired_and_the_rest_stays_sold(client: FlaskClient) -> None:
    credit_id = sold(quantity="100")
    answer = retire(client, credit_id, "40", headers=HTMX, beneficiary="Acme Airlines")
    assert [status for _, status, _ in lots_of(credit_id)] == ["RETIRED", "SOLD"]
    assert "60 t stay sold" in words(answer)


def test_the_whole_is_prefilled_and_makes_no_lots(client: FlaskClient) -> None:
    credit_id = recorded(quantity="1234.5")
    address = f"/credits/{credit_id}/retire"
    page = client.get(address)
    assert form_of(page, address).values["quantity"] == ["1234.5"]
    assert submit(client, page, address, beneficiary="Jane Doe").location == f"/credits/{credit_id}"
    assert queries.credit(credit_id).status == "RETIRED"


def test_every_problem_is_said_at_once_beside_its_field(client: FlaskClient) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/retire"
    page = submit(
        client, client.get(address), address, quantity="10001", occurred_on="1066-10-14", beneficiary=""
    )
    wrong = [e["name"] for e in parse(page.text).find_all("input") if e["aria-invalid"] == "true"]
    assert wrong == ["quantity", "beneficiary", "occurred_on"]


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("10001", "10,001 t is more than the 10,000 t of this credit."),
        ("0.5", "This credit is a block of serial numbers, so its lots are whole tonnes."),
        ("a few", "“a few” is not a quantity in plain digits"),
        (" ", "Enter the tonnes, at most 10,000 t."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_a_quantity_that_does_not_fit_is_said_beside_it(
    client: FlaskClient, quantity: str, said: str, headers: dict[str, str]
) -> None:
    credit_id = a_block()
    page = retire(client, credit_id, quantity, headers=headers)
    assert page.status_code == 422
    assert said in words(part(page, f"{credit_id[:10]}-quantity-error"))
    assert "Retire a part, or the quantity entered, of 10,000 t" in words(page)
    assert form_of(page, f"/credits/{credit_id}/retire").values["quantity"] == [quantity]
    assert queries.credit(credit_id).status == "ACTIVE"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_who_comes_second_sees_the_lots_and_can_act_on_the_rest(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/retire"
    open_form = client.get(address, headers=headers)
    first = retire_credit(credit_id, {"quantity": "250"}, LOCAL)
    second = retire_credit(str(first.rest_id), {"quantity": "50"}, LOCAL)
    answer = submit(client, open_form, address, headers=headers, quantity="9750", beneficiary="Jane Doe")
    assert answer.status_code == 409
    assert "Nothing was recorded This credit was already split into 2 lots" in words(answer)
    assert links(answer)["retire from this lot"] == f"/credits/{second.rest_id}/retire"
    assert "If you sent the form twice, the first one was recorded." in words(answer)
    assert [a for a in links(answer) if a.endswith(" t")] == ["250 t", "50 t", "9,700 t"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_the_quantity_that_was_typed_goes_along_to_a_lot_that_has_more(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/sell"
    open_form = client.get(address, headers=headers)
    lots = split_credit(credit_id, {"quantities": ["250", "251", "9499"]}, LOCAL).lot_ids
    answer = submit(client, open_form, address, headers=headers, quantity="250")
    offered = [
        anchor["href"] for anchor in parse(answer.text).find_all("a") if "from this lot" in words(anchor)
    ]
    assert offered == [
        f"/credits/{lots[0]}/sell",
        f"/credits/{lots[1]}/sell?quantity=250",
        f"/credits/{lots[2]}/sell?quantity=250",
    ]
    form = form_of(client.get(offered[2]), f"/credits/{lots[2]}/sell")
    assert form.values["quantity"] == ["250"]
    assert "Sell 250 t, or the quantity entered, of" in words(client.get(offered[2]))


def test_a_retirement_that_is_only_looked_for_says_no_more_than_that_it_happened(client: FlaskClient) -> None:
    credit_id = recorded()
    retire_credit(credit_id, {}, LOCAL)
    said = words(client.get(f"/credits/{credit_id}/retire"))
    assert "Already retired This credit was already retired on" in said
    assert "Nothing was recorded" not in said
    assert "If you sent" not in said


def test_the_lots_of_a_split_are_seen_before_it_is_recorded(client: FlaskClient) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/split"
    page = submit(client, client.get(address), address, quantities="250")
    assert table(page, "The lots") == [["1", "250 t", PART], ["2", "9,750 t", REST]]
    assert lots_of(credit_id) == []
    sending = next(form for form in forms_of(page) if form.method == "post")
    answer = client.post(sending.action, data=sending.values)
    assert (answer.status_code, answer.location) == (303, f"/credits/{credit_id}")
    assert lots_of(credit_id) == [("250", "ACTIVE", PART), ("9750", "ACTIVE", REST)]


@pytest.mark.parametrize(
    ("quantities", "said"),
    [
        ("10000", "There must be 2 to 100 lots. Enter one quantity per line, in total less than the whole."),
        ("9000\r\n2000", "They add up to 11,000 t, but the credit has 10,000 t."),
        ("1.5", "so its lots are whole tonnes."),
        ("250\r\nmore", "Lot 2: “more” is not a quantity in plain digits"),
        ("250\r\n-1", "Lot 2: “-1” is not a quantity in plain digits"),
    ],
)
def test_quantities_that_are_no_split_are_refused_beside_the_field(
    client: FlaskClient, quantities: str, said: str
) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/split"
    page = client.get(address, query_string={"quantities": quantities})
    assert page.status_code == 422
    assert said in words(part(page, "quantities-error"))
    token = client.get(address, query_string={"quantities": "250"})
    values = next(form for form in forms_of(token) if form.method == "post").values
    answer = client.post(address, data={**values, "quantities": quantities})
    assert answer.status_code == 422
    assert lots_of(credit_id) == []


def test_a_block_is_split_by_the_numbers_of_its_lots(client: FlaskClient) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/split"
    numbers = "941467101 to 941467200, 941467301 to 941467400\n941467501"
    page = submit(client, client.get(address), address, numbers=numbers)
    quantities = [row[1] for row in table(page, "The lots")]
    assert quantities == ["100 t", "100 t", "100 t", "100 t", "100 t", "1 t", "9,499 t"]
    sending = next(form for form in forms_of(page) if form.method == "post")
    client.post(sending.action, data=sending.values)
    assert lots_of(credit_id)[1] == ("100", "ACTIVE", INSIDE)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"numbers": "941467101 to 941477001"}, "not within the block, 941467001 to 941477000."),
        ({"numbers": "1", "quantities": "250"}, "State quantities or numbers, not both."),
    ],
)
def test_numbers_that_cannot_be_lots_are_refused_beside_their_field(
    client: FlaskClient, typed: dict[str, str], said: str
) -> None:
    address = f"/credits/{a_block()}/split"
    page = client.get(address, query_string=typed)
    assert page.status_code == 422
    assert said in words(page)


def test_the_range_of_a_block_is_prefilled_and_left_where_quantities_are_entered(
    client: FlaskClient,
) -> None:
    credit_id = a_block()
    address = f"/credits/{credit_id}/split"
    page = client.get(address)
    assert form_of(page, address).values["numbers"] == ["941467001 to 941477000"]
    assert submit(client, page, address).status_code == 422
    page = submit(client, page, address, quantities="250")
    assert page.status_code == 200
    assert PART in page.text
    assert REST in page.text


def test_only_a_block_can_be_split_by_numbers(client: FlaskClient) -> None:
    assert 'name="numbers"' in client.get(f"/credits/{a_block()}/split").text
    assert 'name="numbers"' not in client.get(f"/credits/{recorded()}/split").text


def test_a_split_credit_leads_to_its_lots_and_offers_no_act(client: FlaskClient) -> None:
    credit_id = a_block()
    lots = split_credit(credit_id, {"quantities": ["250", "9750"]}, LOCAL).lot_ids
    page = client.get(f"/credits/{credit_id}")
    assert "Split into 2 lots Its 10,000 t have been in these lots since" in words(page)
    assert [links(page)[name] for name in ("250 t", "9,750 t")] == [f"/credits/{lot}" for lot in lots]
    offered = {"Sell", "Retire", "Split", "Correct this credit", "Void this credit"}
    assert offered & set(links(page)) == set()
    assert client.get(f"/credits/{credit_id}/split").status_code == 409


def test_of_many_lots_who_comes_late_sees_those_that_can_still_be_taken(client: FlaskClient) -> None:
    credit_id = recorded(quantity="100")
    lots = split_credit(credit_id, {"quantities": ["80"] + ["1"] * 20}, LOCAL).lot_ids
    for lot in lots[:20]:
        retire_credit(lot, {}, LOCAL)
    answer = client.get(f"/credits/{credit_id}/retire")
    assert links(answer)["retire from this lot"] == f"/credits/{lots[-1]}/retire"
    assert links(answer)["and 11 more"] == f"/credits/{credit_id}"


def test_the_history_of_a_lot_leads_to_its_parent(client: FlaskClient) -> None:
    credit_id = recorded(quantity="100")
    lot = retire_credit(credit_id, {"quantity": "25"}, LOCAL).rest_id
    page = client.get(f"/credits/{lot}")
    assert links(page)[f"{credit_id[:10]}…"] == f"/credits/{credit_id}"
    assert ", from tonne 26" in words(page)
    assert "Lots25 t · 75 t" in words(client.get(f"/credits/{credit_id}"))


def test_the_list_shows_the_lots_and_the_split_credit_only_on_demand(client: FlaskClient) -> None:
    credit_id = recorded(quantity="100")
    lots = split_credit(credit_id, {"quantities": ["25", "75"]}, LOCAL).lot_ids
    page = client.get("/credits")
    assert set(listed(page)) == set(lots)
    assert "2 credits 100 t" in words(part(page, "totals"))
    split = client.get("/credits?status=SPLIT")
    assert listed(split) == [credit_id]
    assert "1 credit counted in their lots" in words(part(split, "totals"))
    assert " t " not in words(part(split, "totals"))


def test_a_number_finds_the_lot_that_holds_it(client: FlaskClient) -> None:
    _, rest = split_credit(a_block(), {"quantities": ["250", "9750"]}, LOCAL).lot_ids
    page = client.get("/credits", query_string={"q": "VCS … 941467300"})
    assert listed(page) == [rest]


def test_the_dashboard_counts_each_tonne_once(client: FlaskClient) -> None:
    split_credit(recorded(quantity="100"), {"quantities": ["25", "75"]}, LOCAL)
    assert "Active 100 t 2 credits" in words(client.get("/"))


def test_the_activity_says_what_a_split_made(client: FlaskClient) -> None:
    split_credit(recorded(quantity="100"), {"quantities": ["25", "75"]}, LOCAL)
    split, created = table(client.get("/activity"), "Activity, newest first")
    assert (split[1], created[1]) == ("Split into 2 lots", "Created")
    assert "25 t · VCS · 2023" in split[2]
    assert "75 t · VCS · 2023" in split[2]


def test_a_block_inside_a_larger_one_is_refused_and_the_split_is_offered(client: FlaskClient) -> None:
    holder = a_block()
    page = submit(
        client,
        client.get("/credits/new"),
        "/credits/new",
        project_name="The same again",
        registry="verra",
        vintage="2020",
        quantity="100",
        serial_number=INSIDE,
    )
    assert page.status_code == 409
    said = words(part(page, "serial_number-error"))
    assert "This block, 941467101 to 941467200, is a part of a block that another credit holds" in said
    assert links(page)["Mangrove Restoration Project, 2023, 10,000 t"] == f"/credits/{holder}"
    lots = table(client.get(links(page)["Show that split"]), "The lots")
    assert [row[1] for row in lots] == ["100 t", "100 t", "9,800 t"]
    assert lots[1][2] == INSIDE


def test_of_a_retired_holder_nothing_is_offered(client: FlaskClient) -> None:
    retire_credit(a_block(), {}, LOCAL)
    page = submit(
        client,
        client.get("/credits/new"),
        "/credits/new",
        project_name="The same again",
        registry="verra",
        vintage="2020",
        quantity="100",
        serial_number=INSIDE,
    )
    assert "That credit is retired, so nothing more can be done with these tonnes." in words(page)
    assert "Show that split" not in links(page)


def test_a_block_that_overlaps_another_names_the_numbers_and_offers_no_split(client: FlaskClient) -> None:
    recorded(quantity="100", serial_number=INSIDE)
    page = submit(
        client,
        client.get("/credits/new"),
        "/credits/new",
        project_name="Overlapping",
        registry="VCS",
        vintage="2020",
        quantity="10000",
        serial_number=BLOCK,
    )
    assert page.status_code == 409
    assert "The numbers 941467101 to 941467200 of this block are held" in words(page)
    assert "Show that split" not in links(page)


def test_a_block_that_is_not_the_quantity_is_said_beside_the_serial_number(client: FlaskClient) -> None:
    page = submit(
        client,
        client.get("/credits/new"),
        "/credits/new",
        project_name="Miscounted",
        registry="VCS",
        vintage="2020",
        quantity="99",
        serial_number=INSIDE,
    )
    assert page.status_code == 422
    assert "has 100 units, but the quantity is 99 t." in words(part(page, "serial_number-error"))
