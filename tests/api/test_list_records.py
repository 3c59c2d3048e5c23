from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.blocks import BLOCK, INSIDE, a_block
from tests.fixtures.credits import recorded, retired, sold
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import cancel_credit, retire_credit


def pages_from(api: FlaskClient, address: str | None) -> Iterator[list[dict[str, Any]]]:
    while address:
        page = exact(api.get(address))
        yield page["items"]
        address = page["next"]


def serials(api: FlaskClient, address: str) -> list[str]:
    return [item["serial_number"] for item in exact(api.get(address))["items"]]


def test_records_are_listed_newest_first_without_their_events(api: FlaskClient) -> None:
    recorded(serial_number="1")
    recorded(serial_number="2")
    items = exact(api.get("/records"))["items"]
    assert [item["serial_number"] for item in items] == ["2", "1"]
    assert "events" not in items[0]


def test_an_empty_ledger_lists_nothing(empty_api: FlaskClient) -> None:
    assert exact(empty_api.get("/records")) == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("registry=gold%20standard", ["3"]),
        ("vintage=2020", ["2"]),
        ("status=RETIRED", ["2"]),
        ("status=SOLD", ["3"]),
        ("status=ACTIVE", ["1"]),
        ("q=mangrove", ["3", "2"]),
        ("q=SOLAR", ["1"]),
        ("q=mangrove&vintage=2020&registry=VCS&status=RETIRED", ["2"]),
        ("q=mangrove&status=ACTIVE", []),
        ("status=RETIRED&status=SOLD", ["3", "2"]),
        ("status=ALL&registry=VCS&registry=gold%20standard", ["3", "2", "1"]),
        ("vintage_from=2021", ["3", "1"]),
        ("party=ACME%20airlines&vintage_to=2020", ["2"]),
        ("party=Acme%20Airlines&happened_from=2020-01-01", ["3", "2"]),
        ("happened_to=2020-01-01", []),
        ("recorded_from=2020-01-01&quantity_from=100&quantity_to=100", ["3", "2", "1"]),
        ("quantity_to=99.9999", []),
        ("q=&registry=&status=&vintage=", ["3", "2", "1"]),
    ],
)
def test_filters_narrow_the_list(api: FlaskClient, filters: str, expected: list[str]) -> None:
    recorded(serial_number="1", project_name="Solar")
    retired(serial_number="2", vintage="2020")
    sold(serial_number="3", registry="Gold Standard")
    assert serials(api, f"/records?{filters}") == expected


def test_next_visits_every_record_once_with_the_same_filters(api: FlaskClient) -> None:
    for number in range(7):
        recorded(serial_number=f"s{number}", registry="A&B")
        recorded(serial_number=f"x{number}", registry="Other")
    pages = list(pages_from(api, "/records/?registry=a%26b&limit=3"))
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [item["serial_number"] for page in pages for item in page] == [
        f"s{number}" for number in reversed(range(7))
    ]


def test_next_is_null_where_the_last_page_is_exactly_full(api: FlaskClient) -> None:
    for number in range(2):
        recorded(serial_number=str(number))
    assert exact(api.get("/records?limit=2"))["next"] is None


def test_records_created_meanwhile_shift_no_page(api: FlaskClient) -> None:
    for number in range(4):
        recorded(serial_number=str(number))
    pages = pages_from(api, "/records?limit=2")
    first = next(pages)
    recorded(serial_number="new")
    second = next(pages)
    assert [item["serial_number"] for item in first + second] == ["3", "2", "1", "0"]


def test_a_page_has_fifty_records_unless_asked_otherwise(api: FlaskClient) -> None:
    for number in range(51):
        recorded(serial_number=str(number))
    assert len(serials(api, "/records")) == 50
    assert len(serials(api, "/records?limit=500")) == 51


def test_a_cursor_of_other_filters_is_refused(api: FlaskClient) -> None:
    for number in range(3):
        recorded(serial_number=str(number))
    following = exact(api.get("/records?limit=1&registry=VCS"))["next"]
    assert fields_of(api.get(following.replace("VCS", "GS"))) == {"cursor"}
    assert fields_of(api.get(following.replace("/records", "/events").replace("registry=VCS&", ""))) == {
        "cursor"
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=٣", "limit"),
        ("limit=1&limit=2", "limit"),
        (f"limit={'9' * 4400}", "limit"),
        ("status=active", "status"),
        ("vintage=1989", "vintage"),
        ("vintage=x", "vintage"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=WyI", "cursor"),
        ("q=%00", "q"),
        (f"q={'a' * 301}", "q"),
        ("registry=%1F", "registry"),
        ("sort=quantity", "sort"),
        ("Status=SOLD", "Status"),
    ],
)
def test_an_invalid_or_unknown_parameter_is_named(empty_api: FlaskClient, wrong: str, field: str) -> None:
    assert fields_of(empty_api.get(f"/records?{wrong}")) == {field}


def test_every_invalid_parameter_is_named(empty_api: FlaskClient) -> None:
    answer = empty_api.get("/records?limit=0&status=x&vintage=x&q=%01&page=2")
    assert fields_of(answer) == {"limit", "status", "vintage", "q", "page"}


def test_lots_are_listed_in_the_place_of_the_record_that_was_split(api: FlaskClient) -> None:
    whole = recorded()
    retire_credit(whole, {"quantity": "25"}, LOCAL)
    items = exact(api.get("/records"))["items"]
    assert [(item["parent"], item["offset"], item["quantity"]) for item in items] == [
        (whole, 25, 75),
        (whole, 0, 25),
    ]
    (split,) = exact(api.get("/records?status=SPLIT"))["items"]
    assert (split["id"], split["parent"], split["offset"]) == (whole, None, None)


@pytest.mark.parametrize(
    "serial",
    ["941467200", INSIDE.replace("941467101-941467150", "941467200-941467300")],
    ids=["number", "block"],
)
def test_a_number_finds_the_lot_that_holds_it(api: FlaskClient, serial: str) -> None:
    whole = recorded(**a_block())
    rest = retire_credit(whole, {"quantity": "100"}, LOCAL).rest_id
    recorded(serial_number="94146720-A")
    (found,) = exact(api.get("/records", query_string={"serial": serial}))["items"]
    assert found["id"] == rest


@pytest.mark.parametrize("serial", ["VCS-0001", " vcs-0001 ", BLOCK, BLOCK.lower()])
def test_a_serial_number_finds_its_holder_in_any_spelling(api: FlaskClient, serial: str) -> None:
    expected = recorded(**a_block()) if "vcu" in serial.lower() else recorded()
    (found,) = exact(api.get("/records", query_string={"serial": serial}))["items"]
    assert found["id"] == expected


@pytest.mark.parametrize("serial", ["VCS-00", "vcs", "0001", "VCS … 0001"])
def test_a_part_of_a_serial_number_finds_the_record(api: FlaskClient, serial: str) -> None:
    expected = recorded(project_name="Without it, by VCS-0001", serial_number="X"), recorded()
    (found,) = exact(api.get("/records", query_string={"serial": serial}))["items"]
    assert found["id"] == expected[1]


def test_a_cancelled_record_is_found_by_a_number_it_held(api: FlaskClient) -> None:
    wrong = recorded(**a_block())
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    (found,) = exact(api.get("/records?status=CANCELLED&serial=941467200"))["items"]
    assert found["id"] == wrong
    assert exact(api.get("/records?serial=941467200"))["items"] == []


@pytest.mark.parametrize("serial", ["941467432", "VCS-0002", "Mangrove", "9" * 200])
def test_a_serial_number_that_nobody_holds_finds_nothing(api: FlaskClient, serial: str) -> None:
    recorded(**a_block())
    recorded()
    assert exact(api.get("/records", query_string={"serial": serial}))["items"] == []


def test_the_serial_filter_stays_on_every_page(api: FlaskClient) -> None:
    whole = recorded(**a_block())
    retire_credit(whole, {"quantity": "100"}, LOCAL)
    pages = list(pages_from(api, f"/records?serial={BLOCK}&limit=1"))
    assert [item["quantity"] for page in pages for item in page] == [325, 100]
