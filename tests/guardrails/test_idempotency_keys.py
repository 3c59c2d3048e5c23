"""Every route and every form that writes stores its idempotency key."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.ledger import RawClient
from tests.fixtures.write_requests import CALLS, FORMS, FORMS_WITHOUT_KEY, Submitter
from webapp import idempotency
from webapp.config import ROOT
from webapp.http.request_security import SAFE_METHODS


@pytest.fixture
def dialect() -> str:
    """Which view passes its key does not depend on the database."""
    return "sqlite"


# It records nothing: a repeat is cosigned again, or refused as a conflict.
RECORDS_NOTHING = {"witness.add_checkpoint"}


def number_of_keys(raw: RawClient) -> int:
    return int(raw.execute("SELECT count(*) FROM idempotency_keys")[0][0])


def test_every_route_that_writes_is_tried_here(app: Flask) -> None:
    writing = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - SAFE_METHODS}
    assert set(CALLS) | set(FORMS) | set(FORMS_WITHOUT_KEY) | RECORDS_NOTHING == writing


def test_the_views_that_take_no_key_say_so_and_why(app: Flask) -> None:
    said = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if idempotency.reason_without_idempotency_key(view)
    }
    assert said == set(FORMS_WITHOUT_KEY) | RECORDS_NOTHING


@pytest.mark.parametrize("endpoint", CALLS)
def test_a_call_that_succeeds_has_kept_its_key(client: FlaskClient, raw: RawClient, endpoint: str) -> None:
    call = CALLS[endpoint]
    assert call.send(client, call.prepare(), "k").status_code < 300
    assert number_of_keys(raw) == 1


@pytest.mark.usefixtures("quick_passwords")
@pytest.mark.parametrize("endpoint", FORMS)
def test_a_form_that_succeeds_has_kept_its_key(client: FlaskClient, raw: RawClient, endpoint: str) -> None:
    assert Submitter(client, FORMS[endpoint]).send().status_code < 400
    assert number_of_keys(raw) == 1


@pytest.mark.usefixtures("quick_passwords")
@pytest.mark.parametrize("endpoint", FORMS_WITHOUT_KEY)
def test_a_form_whose_view_takes_no_key_succeeds_and_keeps_nothing(
    client: FlaskClient, raw: RawClient, endpoint: str
) -> None:
    assert Submitter(client, FORMS_WITHOUT_KEY[endpoint]).send().status_code in {200, 303}
    assert number_of_keys(raw) == 0


def test_every_form_that_posts_carries_a_key() -> None:
    forms = [
        (path.name, form)
        for path in (ROOT / "templates").rglob("*.html")
        for form in re.findall(
            r"<form[^>]*method=\"post\".*?(?:</form>|\Z)", path.read_text("utf-8"), flags=re.DOTALL
        )
    ]
    assert forms
    assert [form for form in forms if not re.search(r"form_start\(|form_key\(", form[1])] == []
