"""Every file of tests/data/cases that is an import file, through the page and through the API."""

import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import DescribedClient
from tests.fixtures.forms import form_of, submit
from tests.imports.cases import (
    ALL,
    CASES,
    Case,
    again,
    api_plan,
    choose,
    details_of,
    held,
    page_plan,
    tonnes_of,
    writes,
)
from tests.imports.plans import status_of_numbers
from tests.web.pages import receive, words, write
from webapp.config import ROOT
from webapp.ledger import listing
from webapp.ledger.views import EventView

cases = pytest.mark.parametrize("case", ALL, ids=lambda case: case.path.stem)
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def api(ledger_app: Flask) -> FlaskClient:
    """Return a client that compares each answer with the document of the API."""
    ledger_app.test_client_class = DescribedClient
    return ledger_app.test_client()


def case(number: str) -> Case:
    return next(each for each in ALL if each.number == number)


def events() -> int:
    return len(listing.list_events(limit=500).items)


def planned_on_page(client: FlaskClient, content: bytes, filename: str) -> str:
    """Bring a file and answer what its page asks, without dates. Returns its address."""
    address = receive(client, content, filename)
    page = client.get(address)
    if "Choose above what to record first." in words(page):
        choose(client, address, "record", **({"is_undated": "y"} if "is_undated" in page.text else {}))
    return address


def recorded_on_page(client: FlaskClient, address: str) -> None:
    ticks = form_of(client.get(address), f"{address}/write").boxes
    answer = write(client, address, **dict.fromkeys(ticks, True))
    assert answer.status_code == 303, words(answer)


def sent(api: FlaskClient, content: bytes, content_type: str = "application/json", query: str = "") -> Any:  # noqa: ANN401
    answer = api.post(f"/records/imports{query}", data=content, content_type=content_type)
    assert answer.status_code == 202, answer.text
    return answer.get_json()


@cases
@pytest.mark.parametrize("dialect", ["sqlite"])  # the API records the same on both databases
def test_the_page_plans_and_records_what_is_right(client: FlaskClient, case: Case) -> None:
    address = planned_on_page(client, case.content, case.path.name)
    assert page_plan(client.get(address)) == case.plan
    said = details_of(client, address.rsplit("/", 1)[-1])
    assert {row: text for row, text in case.details.items() if text not in said[row]} == {}
    recorded_on_page(client, address)
    assert held(client) == case.held


@cases
def test_the_api_plans_and_records_what_is_right(api: FlaskClient, case: Case) -> None:
    checked = sent(api, case.content, case.content_type, "?dry_run=1")
    assert api_plan(checked) == case.plan
    done = sent(api, case.content, case.content_type, "?skip_invalid=1")
    assert (done["state"], api_plan(done), held(api)) == ("done", case.plan, case.held)


@cases
def test_a_second_import_finds_every_tonne_recorded(client: FlaskClient, case: Case) -> None:
    sent(client, case.content, case.content_type, "?skip_invalid=1")
    before = events()
    second = sent(client, case.content, case.content_type, "?skip_invalid=1")
    assert tonnes_of(api_plan(second)) == again(case)
    address = planned_on_page(client, case.content, case.path.name)
    assert tonnes_of(page_plan(client.get(address))) == again(case)
    assert (second["written"], events(), held(client)) == (0, before, case.held)


def test_windows_1252_is_named_and_another_encoding_can_be_chosen(client: FlaskClient) -> None:
    address = receive(client, case("03").content)
    page = client.get(address)
    assert "Windows-1252" in words(page)
    assert "Forêt de Mékambo – phase 2" in words(page)  # noqa: RUF001
    refused = choose(client, address, "read", encoding="utf-8")
    assert (refused.status_code, "not UTF-8" in words(refused)) == (422, True)


def test_a_workbook_without_a_sheet_is_named_for_what_it_is(client: FlaskClient) -> None:
    content = next(CASES.glob("06-*")).read_bytes()
    answer = submit(
        client, client.get("/imports/new"), "/imports/new", file=(io.BytesIO(content), "book.xlsx")
    )
    said = "This workbook is damaged or not complete."
    assert (answer.status_code, said in words(answer)) == (400, True)
    answer = client.post("/records/imports", data=content, content_type=EXCEL)
    assert (answer.status_code, said in answer.get_json()["detail"]) == (400, True)


@pytest.mark.parametrize("way", ["page", "api"])
def test_a_date_that_the_importer_gives_is_marked_as_such(client: FlaskClient, way: str) -> None:
    if way == "page":
        address = receive(client, case("12").content)
        choose(client, address, "record", end_date="2026-01-31")
        recorded_on_page(client, address)
    else:
        sent(client, case("12").content, query="?end_date=2026-01-31")
    found = listing.list_events(limit=500).items
    data = [each.data for each in found if isinstance(each, EventView) and each.event_type == "RETIRED"]
    assert sorted((str(d["occurred_on"]), d.get("facts")) for d in data) == [
        ("2025-03-01", None),
        *[("2026-01-31", {"date_source": "importer"})] * 5,
    ]


def test_without_a_given_date_a_retirement_has_none(client: FlaskClient) -> None:
    sent(client, case("12").content)
    found = listing.list_events(limit=500).items
    retired = [each for each in found if isinstance(each, EventView) and each.event_type == "RETIRED"]
    dated = [each.data.get("occurred_on") for each in retired]
    assert [day for day in dated if day] == ["2025-03-01"]


@pytest.mark.parametrize("backwards", [False, True])
def test_an_issuance_and_its_part_retirement_in_two_files(client: FlaskClient, *, backwards: bool) -> None:
    rows = json.loads(case("13").content)
    for row in reversed(rows) if backwards else rows:
        sent(client, json.dumps([row]).encode())
    assert held(client) == {"ACTIVE": 131, "RETIRED": 5354}
    statuses = status_of_numbers()
    assert [number for number, status in statuses.items() if status == "RETIRED"] == list(range(110, 5464))
    assert not writes(api_plan(sent(client, case("13").content)))


def test_rows_that_only_another_column_tells_apart_are_three_batches(client: FlaskClient) -> None:
    address = receive(client, case("15").content)
    page = client.get(f"{address}?columns=1")
    assert "registry_record_id" in words(page)
    choose(client, f"{address}?columns=1", "columns", **{"column-4": "serial_number"})
    assert page_plan(client.get(address)) == {"new": (3, 1593)}
    recorded_on_page(client, address)
    serials = {item["serial_number"] for item in client.get("/records").get_json()["items"]}
    assert serials == {"iss_0", "iss_1", "iss_2"}


def test_the_pair_of_cadt_is_one_block_where_its_quantity_is_right(client: FlaskClient) -> None:
    rows = json.loads(case("16").content)[10:12]
    plan = api_plan(sent(client, json.dumps([rows[0] | {"quantity": 11}, rows[1]]).encode()))
    assert plan == {"new": (1, 11), "equal": (1, 5)}


def test_a_file_is_recorded_already_after_its_split_and_retirement(client: FlaskClient) -> None:
    rows = json.loads(next(CASES.glob("41-*")).read_text())["file"]
    content = json.dumps(rows).encode()
    assert api_plan(sent(client, content)) == {"new": (1, 5485), "equal": (1, 5354)}
    (whole,) = client.get("/records").get_json()["items"]
    lots = client.post(f"/records/{whole['id']}/split", json={"quantities": [109, 5354, 22]}).get_json()
    middle = lots["items"][1]["id"]
    client.post(f"/records/{middle}/retire", json={"beneficiary": "Acme"})
    before = events()
    done = sent(client, content)
    recorded = {"existing": (2, 10839), "difference": (2, 2 * 5354)}  # retired here, active in the file
    assert (done["state"], api_plan(done)) == ("done", recorded)
    assert page_plan(client.get(receive(client, content))) == recorded
    single = client.post("/records", json=rows[1])
    assert (single.status_code, single.get_json()["id"]) == (200, middle)
    assert events() == before


def own_files(client: FlaskClient) -> dict[str, bytes]:
    """Return the files of a ledger with active, sold, retired, split and void credits."""
    rows = (ROOT / "sample-registry.json").read_bytes()
    sent(client, rows)
    ids = [item["id"] for item in client.get("/records").get_json()["items"]]
    client.post(f"/records/{ids[0]}/sell", json={"buyer": "Acme"})
    client.post(f"/records/{ids[1]}/retire", json={"beneficiary": "Acme", "quantity": 1})
    client.post(f"/records/{ids[2]}/cancel", json={"reason": "Typo"})
    files = {"records.json": json.dumps(client.get("/records?limit=500").get_json()["items"]).encode()}
    for name in ("credits.csv", "activity.csv"):
        with client.get(f"/{name}") as answer:
            files[name] = answer.data
    return files


@pytest.mark.parametrize("name", ["credits.csv", "activity.csv", "records.json"])
def test_our_own_files_come_back_without_anything_new(client: FlaskClient, name: str) -> None:
    content = own_files(client)[name]
    before = events()
    body = sent(client, content, "text/csv" if name.endswith("csv") else "application/json")
    kinds = set() if name == "activity.csv" else {"existing"}
    assert (body["state"], set(api_plan(body)), body["problems"]) == ("done", kinds, [])
    page = client.get(receive(client, content, name))
    said = "our list of events" if name == "activity.csv" else "Nothing new in this file"
    assert said in words(page)
    assert events() == before


def test_a_lot_of_another_ledger_is_refused_with_the_way_to_move_it(client: FlaskClient) -> None:
    lot = {
        "project_name": "Lake",
        "registry": "GS",
        "vintage": 2025,
        "quantity": 5,
        "serial_number": "X-1, 1–5 of 9",  # noqa: RUF001
        "parent": "0" * 64,
        "offset": 0,
    }
    body = sent(client, json.dumps([lot]).encode())
    assert (body["state"], set(api_plan(body))) == ("failed", {"invalid"})
    assert all(name in body["problems"][0]["message"] for name in ("flask export", "flask restore"))
