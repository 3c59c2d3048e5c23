"""The list of credits shows what its address asks for."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import Element, form_of, parse, submit
from tests.web.pages import links, words
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import amend_credit, cancel_credit, split_credit
from webapp.ledger.search import selection

HTMX = {"HX-Request": "true"}


def rows(page: TestResponse) -> list[str]:
    """Return the ids of the credits that the page lists, in their order."""
    bodies = parse(page.text).find_all("tbody")
    return [body["id"].removeprefix("credit-") for body in bodies]


def link(page: TestResponse, text: str) -> str:
    """Return the address of the link that reads `text`."""
    found = [a["href"] for a in parse(page.text).find_all("a") if a.text.strip() == text]
    assert found, f"no link reads {text}"
    return found[0]


def element(page: TestResponse, element_id: str) -> Element:
    return next(found for found in parse(page.text).find_all() if found["id"] == element_id)


def totals(page: TestResponse) -> str:
    return " ".join(element(page, "totals").text.split())


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_the_newest_credit_is_listed_first(client: FlaskClient) -> None:
    older, newer = recorded(), recorded(serial_number="VCS-0002")
    assert rows(client.get("/credits")) == [newer, older]


def test_an_empty_ledger_offers_a_first_credit_and_an_import(client: FlaskClient) -> None:
    page = client.get("/credits")
    assert "No credits yet" in page.text
    assert {"/credits/new", "/imports/new"} <= {a["href"] for a in parse(page.text).find_all("a")}


def test_the_search_form_works_without_javascript(client: FlaskClient) -> None:
    recorded()
    wind = recorded(project_name="Wind Farm Rajasthan", serial_number="VCS-0002")
    page = submit(client, client.get("/credits"), "/credits", q="wind raja")
    assert rows(page) == [wind]


@pytest.mark.parametrize("spelling", ["GS", "gs", " Gs "])
def test_a_registry_is_found_in_any_spelling(client: FlaskClient, spelling: str) -> None:
    recorded()
    gold = recorded(registry="GS")
    page = client.get("/credits", query_string={"registry": spelling})
    assert rows(page) == [gold]
    assert form_of(page, "/credits").values["registry"] == ["GS"]


def test_filters_are_combined(client: FlaskClient) -> None:
    recorded()
    wanted = sold(vintage="2020", serial_number="VCS-0002")
    recorded(vintage="2020", serial_number="VCS-0003")
    assert rows(client.get("/credits?registry=VCS&vintage=2020&status=SOLD")) == [wanted]


def test_the_totals_are_those_of_the_filter_and_not_of_the_page(client: FlaskClient) -> None:
    recorded(quantity="1.5")
    retired(quantity="2", serial_number="VCS-0002")
    sold(registry="GS")
    page = client.get("/credits?registry=VCS")
    assert totals(page).startswith(
        "2 credits 3.5 t ACTIVE 1 · 1.5 t SOLD 0 · 0 t RETIRED 1 · 2 t Clear filters"
    )


def test_the_totals_read_themselves_again_from_the_same_address(client: FlaskClient) -> None:
    recorded()
    page = client.get("/credits?registry=VCS&sort=vintage&order=asc")
    part = element(page, "totals")
    assert part["hx-trigger"] == "ledger-changed from:body"
    assert query(part["hx-get"]) == {"registry": "VCS", "sort": "vintage", "order": "asc"}
    assert totals(client.get(part["hx-get"], headers=HTMX)) == totals(page)


def test_a_filter_that_matches_nothing_offers_to_clear_it(client: FlaskClient) -> None:
    recorded()
    page = client.get("/credits?registry=Nowhere")
    assert page.status_code == 200
    assert "No credit matches" in page.text
    assert link(page, "Clear filters") == "/credits"
    assert form_of(page, "/credits").values["registry"] == ["Nowhere"]


@pytest.mark.parametrize(
    ("sort", "first_click"),
    [("Project", "asc"), ("Registry", "asc"), ("Status", "asc"), ("Vintage", "desc"), ("Quantity", "desc")],
)
def test_a_column_sorts_and_a_second_click_turns_it_round(
    client: FlaskClient, sort: str, first_click: str
) -> None:
    low = recorded(project_name="A", registry="A", vintage="2001", quantity="9")
    high = retired(project_name="b", registry="b", vintage="2002", quantity="10")
    once = client.get(link(client.get("/credits"), sort))
    twice = client.get(link(once, sort))
    upwards, downwards = [low, high], [high, low]
    if sort == "Status" or first_click == "asc":
        assert [rows(once), rows(twice)] == [upwards, downwards]
    else:
        assert [rows(once), rows(twice)] == [downwards, upwards]


def test_the_column_that_sorts_says_so(client: FlaskClient) -> None:
    recorded()
    heads = parse(client.get("/credits?sort=quantity&order=asc").text).find_all("th")
    assert {th.text.strip(): th["aria-sort"] for th in heads if th["aria-sort"]} == {"Quantity": "ascending"}


def test_sorting_keeps_the_filters(client: FlaskClient) -> None:
    recorded()
    address = link(client.get("/credits?q=mangrove&registry=VCS&vintage=2023&status=ACTIVE"), "Project")
    assert query(address) == {
        "q": "mangrove",
        "registry": "VCS",
        "vintage": "2023",
        "status": "ACTIVE",
        "sort": "project",
        "order": "asc",
    }


def test_a_status_may_be_written_in_any_case(client: FlaskClient) -> None:
    recorded()
    page = client.get("/credits?status=%20active")
    assert page.status_code == 200
    assert form_of(page, "/credits").values["status"] == ["ACTIVE"]


def test_filtering_keeps_the_order(client: FlaskClient) -> None:
    recorded()
    page = client.get("/credits?sort=quantity&order=asc")
    values = form_of(page, "/credits").values
    assert (values["sort"], values["order"]) == (["quantity"], ["asc"])


def test_paging_reaches_every_credit_once_and_comes_back(client: FlaskClient) -> None:
    made = [recorded(serial_number=f"S-{n}", quantity=str(n % 7 + 1)) for n in range(53)]
    first = client.get("/credits?sort=quantity&order=asc&registry=vcs")
    second = client.get(link(first, "Next"))
    assert len(rows(first)) == 50
    assert sorted(rows(first) + rows(second)) == sorted(made)
    back = link(second, "Previous")
    assert query(back) | {"cursor": ""} == {
        "registry": "vcs",
        "sort": "quantity",
        "order": "asc",
        "cursor": "",
    }
    assert rows(client.get(back)) == rows(first)


def test_the_page_says_how_many_of_how_many_it_shows(client: FlaskClient) -> None:
    for n in range(51):
        recorded(serial_number=f"S-{n}")
    assert "50 of 51 credits" in client.get("/credits").text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/credits?vintage=abc", "Must be a year from 1990 to 2100."),
        ("/credits?vintage=1066", "Must be a year from 1990 to 2100."),
        (
            "/credits?status=FOO",
            "Must be one of CURRENT, ACTIVE, SOLD, RETIRED, WITHDRAWN, SPLIT, CANCELLED, ALL.",
        ),
        (
            "/credits?status=idle",
            "Must be one of CURRENT, ACTIVE, SOLD, RETIRED, WITHDRAWN, SPLIT, CANCELLED, ALL.",
        ),
        ("/credits?sort=price", "Must be one of"),
        ("/credits?order=up", "Must be asc or desc."),
        ("/credits?q=a%00b", "control character"),
        ("/credits?registry=a%00b", "control character"),
        ("/credits?cursor=x", "This page link belongs to another filter"),
        ("/credits?cursor=AAAA", "This page link belongs to another filter"),
    ],
)
def test_an_address_that_makes_no_sense_is_explained(client: FlaskClient, address: str, said: str) -> None:
    recorded()
    page = client.get(address)
    assert page.status_code == 422
    assert said in page.text
    assert link(page, "All credits") == "/credits"


def test_every_mistake_in_the_address_is_named_at_once(client: FlaskClient) -> None:
    text = client.get("/credits?vintage=abc&status=FOO").text
    assert "Must be a year" in text
    assert "Must be one of CURRENT, ACTIVE" in text


def test_a_cursor_of_another_filter_leads_to_the_first_page_of_this_one(client: FlaskClient) -> None:
    for n in range(51):
        recorded(serial_number=f"S-{n}")
    cursor = query(link(client.get("/credits"), "Next"))["cursor"]
    page = client.get("/credits", query_string={"registry": "VCS", "cursor": cursor})
    assert page.status_code == 422
    assert link(page, "First page of this filter") == "/credits?registry=VCS"


@pytest.mark.parametrize("address", ["/credits", "/credits?vintage=abc", "/credits?registry=x"])
def test_htmx_gets_the_table_alone_and_a_browser_the_page(client: FlaskClient, address: str) -> None:
    recorded()
    part, page = client.get(address, headers=HTMX), client.get(address)
    assert part.status_code == page.status_code
    assert part.text.lstrip().startswith('<div id="credits">')
    assert "<html" in page.text
    assert "HX-Request" in part.headers["Vary"]
    assert "HX-Request" in page.headers["Vary"]


def test_htmx_gets_the_whole_page_back_from_the_history(client: FlaskClient) -> None:
    page = client.get("/credits", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in page.text


def test_a_row_links_what_its_status_still_allows(client: FlaskClient) -> None:
    active, gone, closed = recorded(), sold(serial_number="2"), retired(serial_number="3")
    page = client.get("/credits")
    assert [a["href"] for a in element(page, f"credit-{active}").find_all("a")] == [
        f"/credits/{active}",
        f"/credits/{active}/sell",
        f"/credits/{active}/retire",
    ]
    assert [a["href"] for a in element(page, f"credit-{gone}").find_all("a")] == [
        f"/credits/{gone}",
        "/parties/named?name=Acme%20Airlines",
        f"/credits/{gone}/retire",
    ]
    assert [a["href"] for a in element(page, f"credit-{closed}").find_all("a")] == [
        f"/credits/{closed}",
        "/parties/named?name=Acme%20Airlines",
    ]


def test_a_row_says_to_whom_or_for_whom(client: FlaskClient) -> None:
    recorded()
    sold(serial_number="2")
    retired(serial_number="3")
    parties = [
        " ".join(td.text.split())
        for td in parse(client.get("/credits").text).find_all("td")
        if "party" in td["class"]
    ]
    days = [party.partition(",")[0] for party in parties]
    today = datetime.now(UTC)
    day = f"{today.day} {today:%b %Y}"
    assert days == [f"for Acme Airlines{day}", f"to Acme Airlines{day}", ""]


@pytest.mark.parametrize(
    ("serial_number", "shown"),
    [
        ("VCS-0001", "VCS-0001"),
        (
            "7964-444108780-444108792-VCU-005-APX-BR-14-1686-01012015-31122015-1",
            "444,108,780 \N{EN DASH} 444,108,792",
        ),
        ("GS1-1-UG-GS11235-16-2024-30306-1-2497", "GS1-…30306-1-2497"),
        ("A certificate of the year 2019, number 77", "A ce…ar 2019, number 77"),
    ],
)
def test_a_row_shortens_a_serial_number_and_copies_the_whole(
    client: FlaskClient, serial_number: str, shown: str
) -> None:
    recorded(serial_number=serial_number, quantity="13" if "444108780" in serial_number else "2497")
    row = parse(client.get("/credits").text)
    assert [code.text for code in row.find_all("code") if code["class"] == "serial-short"] == [shown]
    assert [b["data-copy"] for b in row.find_all("button") if b.has("data-copy")] == [serial_number]


def test_what_people_typed_is_never_markup(client: FlaskClient) -> None:
    hostile = '<script>alert(1)</script> " onmouseover=x {{7*7}}'
    recorded(project_name=hostile, registry="<b>R</b>", serial_number="'><i>s</i>")
    page = client.get("/credits", query_string={"q": '{{7*7}} "'})
    document = parse(page.text)
    assert hostile in [th.text.strip() for th in document.find_all("th")]
    assert not list(document.find_all("b", "i"))
    assert not [e for e in document.find_all() if e.has("onmouseover")]
    assert [s["src"] for s in document.find_all("script") if not s["src"]] == []
    assert form_of(page, "/credits").values["q"] == ['{{7*7}} "']


@pytest.mark.parametrize(("limit", "said"), [("SUMMED_MAX", "more than 2"), ("CANDIDATES_MAX", "at least 3")])
def test_what_a_search_finds_is_counted_by_a_link_where_it_is_very_much(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, limit: str, said: str
) -> None:
    for n in range(3):
        recorded(serial_number=f"S-{n}")
    monkeypatch.setattr(selection, "WALKED_MAX", 0)
    monkeypatch.setattr(selection, limit, 2)
    page = client.get("/credits?q=mangrove&sort=quantity")
    assert totals(page).startswith(f"{said} credits Count all")
    counted = link(page, "Count all")
    assert query(counted) == {"q": "mangrove", "sort": "quantity", "order": "desc", "count": "all"}
    assert totals(client.get(counted)).startswith("3 credits 300 t ACTIVE 3 · 300 t")
    assert query(element(client.get(counted), "totals")["hx-get"])["count"] == "all"


def test_a_count_that_makes_no_sense_is_explained(client: FlaskClient) -> None:
    page = client.get("/credits?count=some")
    assert page.status_code == 422
    assert "Must be all." in page.text


BLOCK = "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"


@pytest.mark.parametrize("q", ["Lake 9999", "Serial: PV-9999-2021-7 (sold)", "PV_9999_2021_7"])
def test_a_search_says_which_void_credits_it_finds_in_place_of_nothing(client: FlaskClient, q: str) -> None:
    credit_id = recorded(quantity="100", serial_number="PV-9999-2021-1-100", project_name="Lake")
    cancel_credit(credit_id, {"reason": "Typo"}, LOCAL)
    page = client.get("/credits", query_string={"q": q})
    assert "No credit matches" in words(page)
    assert "0 split, 1 void match: show void" in words(page)
    assert rows(client.get(links(page)["show void"])) == [credit_id]


def test_a_search_in_one_status_says_what_it_finds_in_the_others(client: FlaskClient) -> None:
    credit_id = recorded(quantity="425", serial_number=BLOCK)
    split_credit(credit_id, {"numbers": ["941467200"]}, LOCAL)
    page = client.get("/credits?q=941467200&status=RETIRED")
    assert "1 active, 1 split, 0 void match: show active, show split" in words(page)
    assert "match:" not in words(client.get("/credits?q=941467200"))
    assert "match:" not in words(client.get("/credits?q=nowhere"))
    assert "match:" not in words(client.get("/credits?status=RETIRED"))


def test_the_list_and_its_file_are_filtered_by_facts_and_by_an_import(client: FlaskClient) -> None:
    other = recorded(serial_number="other")
    credit_id = recorded(serial_number="own")
    amend_credit(credit_id, {"amends": 1, "facts": {"country": "Kenya", "project_id": "VCS 1502"}}, LOCAL)
    for query in ("country=kenya", "project_id=VCS+1502&country=Kenya"):
        page = client.get(f"/credits?{query}").text
        assert credit_id in page
        assert other not in page
        assert f"/credits.csv?{query.split('&')[0].split('=')[0]}" in page
    for country, lines in (("Kenya", 2), ("Peru", 1)):
        with client.get(f"/credits.csv?country={country}") as answer:
            assert answer.get_data(as_text=True).count("\r\n") == lines
    assert other not in client.get("/credits?import=7").text
    refused = client.get("/credits?import=x")
    assert refused.status_code == 422
    assert '<details class="phone-filters" id="facets" open>' in refused.text


def test_a_credit_leads_back_to_the_list_that_it_was_opened_from(client: FlaskClient) -> None:
    credit_id = recorded()
    address = "/credits?registry=VCS&status=ACTIVE&sort=vintage&order=asc"
    opened = client.get(link(client.get(address), "Mangrove Restoration Project"))
    assert link(opened, "Credits") == "/credits"  # of the navigation
    assert address in [a["href"] for a in parse(opened.text).find_all("a")]
    for foreign in ("sort=evil", "//evil.example", "x" * 9000, "q=%00&cursor=javascript:alert(1)"):
        page = client.get(f"/credits/{credit_id}", query_string={"from": foreign})
        addresses = {a["href"] for a in parse(page.text).find_all("a") if a.text.strip() == "Credits"}
        assert all(address.split("?")[0] == "/credits" for address in addresses)


def test_each_filter_is_a_chip_that_removes_it_alone(client: FlaskClient) -> None:
    sold()
    address = "/credits?registry=VCS&registry=GS&vintage_from=2020&vintage_to=2024&party=Acme+Airlines"
    chips = {
        " ".join(a.text.split()): parse_qs(urlsplit(a["href"]).query)
        for a in parse(client.get(address).text).find_all("a")
        if a["class"] == "chip"
    }
    every = parse_qs(urlsplit(address).query)
    assert chips == {
        "Registry: Verra (VCS) · VCS": every | {"registry": ["GS"]},
        "Registry: Gold Standard · GS": every | {"registry": ["VCS"]},
        "Vintage: 2020 to 2024": {"registry": ["VCS", "GS"], "party": ["Acme Airlines"]},
        "Buyer or beneficiary: Acme Airlines": {name: every[name] for name in every if name != "party"},
    }
