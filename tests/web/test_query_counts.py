"""The numbers of statements and of `url_for` calls of a page do not grow with its rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import MapAdapter

from tests.fixtures.blocks import BLOCK, a_block
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.principals import signed_in
from tests.fixtures.statement_counts import counted
from tests.fixtures.users import PASSWORD, an_administrator
from webapp.accounts import tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.roles import Role
from webapp.domain.serial_number import parse_block
from webapp.imports.jobs import receive
from webapp.ledger import standings
from webapp.ledger.commands import create_credit, split_credit
from webapp.ledger.search import selection

FEW, MANY = 2, 20

# Adds rows to a page and returns its address.
Grow = Callable[[int], str]


def credits_of_everybody(rows: int) -> None:
    """Record credits, each with its own registry, vintage and actor."""
    for n in range(rows):
        values = a_credit(registry=f"Registry {rows}.{n}", vintage=str(1990 + rows + n))
        create_credit(values, f"user:{rows}{n}")


def dashboard(rows: int) -> str:
    credits_of_everybody(rows)
    standings.catch_up("UTC", within_s=5)  # each event is followed once, not by each page
    return "/"


def credit_list(rows: int) -> str:
    credits_of_everybody(rows)
    return "/credits"


def search(rows: int) -> str:
    credits_of_everybody(rows)
    return "/credits?q=mangrove&sort=project"


def activity(rows: int) -> str:
    credits_of_everybody(rows)
    return "/activity"


def credit_with_lots(rows: int) -> str:
    credit_id = recorded(serial_number=f"LOTS-{rows}", quantity=str(rows))
    split_credit(credit_id, {"quantities": ["1"] * rows}, LOCAL)
    return f"/credits/{credit_id}"


def import_list(rows: int) -> str:
    for n in range(rows):
        receive(json.dumps([a_credit()]).encode(), f"{rows}.{n}.json", f"user:{rows}{n}")
    return "/imports"


def rows_of_an_import(rows: int) -> str:
    return import_of([a_credit(serial_number=f"ROW-{rows}.{n}") for n in range(rows)])


def problems_of_an_import(rows: int) -> str:
    """Import blocks, each within a credit of its own that can be split."""
    file = []
    for n in range(rows):
        first = 1000 * (100 * rows + n)
        whole, part = (a_block(quantity=str(q), serial_number=block(first, q)) for q in (425, 50))
        recorded(**whole)
        file.append(a_credit(**part))
    return import_of(file)


def import_of(file: Sequence[Mapping[str, object]]) -> str:
    return f"/imports/{receive(json.dumps(file).encode(), 'rows.json', LOCAL).import_id}"


def block(first: int, quantity: int) -> str:
    """Return the serial number of a block."""
    known = parse_block(BLOCK)
    assert known is not None
    numbers = f"{known.first}-{known.last}"
    assert numbers in BLOCK
    return BLOCK.replace(numbers, f"{first}-{first + quantity - 1}")


PAGES: list[Grow] = [
    dashboard,
    credit_list,
    search,
    activity,
    credit_with_lots,
    import_list,
    rows_of_an_import,
    problems_of_an_import,
]


def account_log(rows: int) -> str:
    for n in range(rows):
        an_administrator(f"Person {rows}.{n}")
    return "/account-log"


def people_list(rows: int) -> str:
    account_log(rows)
    return "/people"


def token_list(rows: int) -> str:
    for n in range(rows):
        maker = users.add(f"Maker {rows}.{n}", Role.ADMINISTRATOR, PASSWORD, CLI)
        tokens.create(f"Program {rows}.{n}", Role.VIEWER, maker.actor)
    return "/tokens"


ACCOUNT_PAGES = [account_log, people_list, token_list]


class Work(NamedTuple):
    """The numbers of statements and of `url_for` calls of a page."""

    statements: int
    addresses: int


def work_of(client: FlaskClient, path: str) -> Work:
    build = mock.patch.object(MapAdapter, "build", autospec=True, side_effect=MapAdapter.build)
    with counted() as statements, build as addresses:
        answer = client.get(path)
    assert answer.status_code == 200
    return Work(len(statements), addresses.call_count)


@pytest.mark.parametrize("grow", PAGES)
def test_a_page_asks_database_and_router_as_often_for_many_rows_as_for_few(
    client: FlaskClient, grow: Grow
) -> None:
    client.get(grow(FEW))  # queries that run once per process
    few = work_of(client, grow(FEW + 1))
    many = work_of(client, grow(MANY))
    assert many == few


@pytest.mark.usefixtures("quick_passwords")
@pytest.mark.parametrize("grow", ACCOUNT_PAGES)
def test_a_page_of_accounts_asks_as_often_for_many_rows_as_for_few(ledger_app: Flask, grow: Grow) -> None:
    an_administrator("Ada")
    client = signed_in(ledger_app, "Ada")
    client.get(grow(FEW))  # queries that run once per process
    few = work_of(client, grow(FEW + 1))
    many = work_of(client, grow(MANY))
    assert many == few


def test_a_page_searches_for_few_credits_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows, sums and facets are then read by the positions of the credits that were found."""
    for n in range(3):
        recorded(serial_number=f"S-{n}")
    monkeypatch.setattr(selection, "WALKED_MAX", 0)  # as in a large ledger
    with counted() as asked:
        page = client.get("/credits?q=mangrove")
    assert "<strong>3 credits</strong>" in page.text
    searching = [statement for statement in asked if "MATCH" in statement or "LIKE" in statement]
    assert 1 <= len(searching) <= 2, "whether there are many candidates, and which are found"
