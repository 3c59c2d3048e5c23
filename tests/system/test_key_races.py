"""Sixteen at once with one key, on every route that writes. `python -m scripts.race` runs hundreds."""

import re

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.fixtures.server import Serve, Server, assert_verified
from tests.system import races
from tests.system.key_races import CALLS, KEY_RACES, SHEETS
from webapp.gate import SAFE_METHODS
from webapp.kept import is_never_kept, led_away

ROUNDS = 2


@pytest.fixture(scope="module", params=DIALECTS)
def server(request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve) -> Server:
    return serve_module(make_module_database(request.param))


def test_every_route_whose_answer_is_kept_is_raced_for(server: Server) -> None:
    with opened(server.database_url) as app:
        # What is led away has a secret in its answer; the tests of its page send it twice.
        kept = {
            endpoint: view
            for endpoint, view in app.view_functions.items()
            if not is_never_kept(view) and not led_away(view)
        }
        writing = {
            re.sub("<[^>]*>", "{}", rule.rule)
            for rule in app.url_map.iter_rules()
            if (rule.methods or set()) - SAFE_METHODS and rule.endpoint in kept
        }
    raced = {call.route.replace("{record_id}", "{}") for call in CALLS.values()}
    assert raced | {sheet.route for sheet in SHEETS.values()} == writing


def test_of_many_with_one_key_one_acts_and_all_get_its_answer(server: Server) -> None:
    for name, race in KEY_RACES.items():
        with races.crowd(server, re.sub("[: ]+", "-", name)) as crowd:
            for number in range(ROUNDS):
                race(crowd, number)
    assert_verified(server.database_url)
