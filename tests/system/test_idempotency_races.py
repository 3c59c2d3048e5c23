"""Sixteen clients at once with one idempotency key, on every route that writes. `make race` runs more."""

import re
from dataclasses import replace

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.fixtures.server import Serve, Server, assert_verified_within
from tests.system import races
from tests.system.idempotency_races import CALLS, JOINS, KEY_RACES, SHEETS
from webapp.http.request_security import SAFE_METHODS
from webapp.idempotency import reason_without_idempotency_key

# Forms whose first answer shows a secret: of a new token (tests/accounts/test_tokens.py has its race), and
# of a link to a statement (tests/web sends it twice).
SHOW_A_SECRET = {"/tokens/new", "/acts/{}/links"}
# A stopped import of more rows than are recorded at once; tests.imports sends it twice.
NEEDS_A_LARGE_FILE = "/imports/{}/resume"


@pytest.fixture(scope="module", params=DIALECTS)
def server(request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve) -> Server:
    return serve_module(make_module_database(request.param))


def test_every_route_that_takes_a_key_is_raced_for(server: Server) -> None:
    with opened(server.database_url) as app:
        writing = {
            re.sub("<[^>]*>", "{}", rule.rule)
            for rule in app.url_map.iter_rules()
            if (rule.methods or set()) - SAFE_METHODS
            and not reason_without_idempotency_key(app.view_functions[rule.endpoint])
        }
    raced = {call.route.replace("{record_id}", "{}") for call in (CALLS | JOINS).values()}
    raced |= {sheet.route.replace("/amend/2", "/amend/{}").partition("?")[0] for sheet in SHEETS.values()}
    assert raced == writing - SHOW_A_SECRET - {NEEDS_A_LARGE_FILE}


def test_of_many_with_one_key_one_acts_and_all_are_shown_what_it_came_to(server: Server) -> None:
    with races.crowd(server, "keys") as crowd:
        for name, race in KEY_RACES.items():
            race(replace(crowd, name=re.sub("[: ]+", "-", name)), 0)
    assert_verified_within(server.database_url)
