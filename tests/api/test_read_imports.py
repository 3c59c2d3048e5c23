import json

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs


def received(rows: list[object]) -> int:
    return jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id


def test_a_cancelled_import_is_shown_as_cancelled(api: FlaskClient) -> None:
    import_id = received([a_credit()])
    jobs.cancel(import_id)
    assert exact(api.get(f"/records/imports/{import_id}"))["state"] == "cancelled"


def test_a_dry_run_can_still_be_written_elsewhere(api: FlaskClient) -> None:
    api.post("/records/imports?dry_run=1", json=[a_credit()])
    assert jobs.write(1, actor=LOCAL).view.written == 1
    assert exact(api.get("/records/imports/1"))["state"] == "done"


def test_problems_come_in_pages(api: FlaskClient) -> None:
    received([1] * 5)
    address, rows, pages = "/records/imports/1?limit=2", [], 0
    while address:
        body = exact(api.get(address))
        rows += [problem["row"] for problem in body["problems"]]
        address, pages = body["next"], pages + 1
    assert (rows, pages) == ([1, 2, 3, 4, 5], 3)


def test_the_answer_to_a_post_links_the_problems_beyond_its_page(api: FlaskClient) -> None:
    body = exact(api.post("/records/imports", json=[1] * 501))
    assert len(body["problems"]) == 500
    assert [problem["row"] for problem in exact(api.get(body["next"]))["problems"]] == [501]


@pytest.mark.parametrize("number", ["1", "0", "-1", "x", "9" * 19, "9" * 5000, "%00", "\u0661"])
def test_an_unknown_import_is_404(empty_api: FlaskClient, number: str) -> None:
    assert empty_api.get(f"/records/imports/{number}").status_code == 404


def test_imports_are_listed_newest_first_in_pages(api: FlaskClient) -> None:
    for _ in range(3):
        received([1])
    first = exact(api.get("/records/imports?limit=2"))
    second = exact(api.get(first["next"]))
    assert [item["id"] for item in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next"] is None
    assert "problems" not in first["items"][0]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 19, "%00"])
def test_an_invalid_cursor_is_refused(api: FlaskClient, cursor: str) -> None:
    received([1])
    assert fields_of(api.get(f"/records/imports?cursor={cursor}")) == {"cursor"}
    assert fields_of(api.get(f"/records/imports/1?cursor={cursor}")) == {"cursor"}
