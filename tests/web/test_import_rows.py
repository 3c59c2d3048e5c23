"""The rows of an import as a file to fix and drop again, and the template of a file without a mapping."""

import csv
import io

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit, recorded
from tests.imports.cases import page_plan
from tests.web.pages import links, receive

NEW = a_credit(serial_number="VCS-0002")
INVALID = a_credit(vintage="1812", serial_number="VCS-0003", colour="green")
TOLD = ["ledger_row", "ledger_result", "ledger_part", "ledger_reason"]


def downloaded(client: FlaskClient, address: str) -> tuple[bytes, list[list[str]]]:
    with client.get(address) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        content: bytes = answer.data
    return content, list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_rows_of_a_kind_come_with_their_own_columns_and_a_reason(client: FlaskClient) -> None:
    address = receive(client, [NEW, INVALID])
    _, (headers, row) = downloaded(client, links(client.get(address))["Download CSV"])
    assert headers == [*INVALID, *TOLD]
    assert row[:3] == ["Mangrove Restoration Project", "VCS", "1812"]
    assert row[-4:-1] == ["2", "Not valid", "100"]
    assert row[-1].startswith("vintage: “1812”")


def test_without_a_kind_all_rows_come(client: FlaskClient) -> None:
    address = receive(client, [NEW, INVALID, a_credit(status="Retired", retired_on="2026-04-10")])
    _, (_, *rows) = downloaded(client, f"{address}/rows.csv")
    assert [row[-3] for row in rows] == ["New", "Not valid", "New and retired"]


def test_columns_of_later_rows_only_are_there(client: FlaskClient) -> None:
    rows = [a_credit(vintage="1812", serial_number=f"S-{n}") for n in range(1001)]
    address = receive(client, [*rows, INVALID])
    _, (headers, *_) = downloaded(client, f"{address}/rows.csv?kind=invalid")
    assert "colour" in headers


def test_refused_rows_can_be_fixed_and_dropped_again(client: FlaskClient) -> None:
    address = receive(client, [NEW, INVALID])
    content, _ = downloaded(client, f"{address}/rows.csv?kind=invalid")
    fixed = receive(client, content.replace(b",1812,", b",2012,"), "fixed.csv")
    assert page_plan(client.get(fixed)) == {"new": (1, 100)}


def test_differences_can_be_downloaded(client: FlaskClient) -> None:
    recorded()
    address = receive(client, [a_credit(vintage="2023", project_name="Mangroves")])
    plan = page_plan(client.get(address))
    kind = next(iter(plan))
    _, (_, row) = downloaded(client, f"{address}/rows.csv?kind={kind}")
    assert row[-3] in {"In conflict", "Differences, nothing to record"}


def test_a_cell_that_a_spreadsheet_would_evaluate_is_inert(client: FlaskClient) -> None:
    address = receive(client, [a_credit(project_name="=1+1")])
    _, (_, row) = downloaded(client, f"{address}/rows.csv")
    assert row[0] == "'=1+1"


@pytest.mark.parametrize("number", ["7", "x"])
def test_an_import_that_does_not_exist_has_no_rows(client: FlaskClient, number: str) -> None:
    assert client.get(f"/imports/{number}/rows.csv").status_code == 404


def test_the_template_needs_no_mapping(client: FlaskClient) -> None:
    content, _ = downloaded(client, links(client.get("/imports/new"))["Download a template"])
    assert set(page_plan(client.get(receive(client, content, "template.csv")))) == {"new_retired"}
