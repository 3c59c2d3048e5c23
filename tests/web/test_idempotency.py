"""A form that is sent twice is processed once, and both responses show the result."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit
from tests.fixtures.entries import credit_events
from tests.fixtures.forms import form_of, forms_of, parse, submit
from tests.fixtures.ledger import RawClient
from tests.fixtures.write_requests import FORMS, Submitter
from tests.web.pages import HTMX, words
from webapp.accounts.actors import LOCAL
from webapp.idempotency import FORM_FIELD
from webapp.imports import views
from webapp.ledger import idempotency_store
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_events

SAID = "It was not done again."

# Their secret is shown once: tests/authorization/test_user_pages.py, tests/web/test_statements.py.
SECRETS = ("tokens.new", "statements.share")
every_form = pytest.mark.parametrize("endpoint", [name for name in FORMS if name not in SECRETS])
every_fragment = pytest.mark.parametrize(
    "endpoint", [name for name, sent in FORMS.items() if sent.has_fragment]
)


def everything() -> tuple[int, list[str]]:
    """Return the number of events, and the states of all imports."""
    return len(list_events(limit=500).items), [str(found.state) for found in views.list_imports()]


def without_toasts(page: TestResponse) -> str:
    return str(page.text).partition("<hx-partial")[0].rstrip()


@every_form
def test_a_form_sent_twice_is_done_once_and_leads_to_the_same_place(
    client: FlaskClient, endpoint: str
) -> None:
    submitter = Submitter(client, FORMS[endpoint])
    first = submitter.send()
    assert first.status_code == 303
    assert SAID not in words(client.get(first.location))
    before = everything()
    again = submitter.send()
    assert (again.status_code, again.location) == (303, first.location)
    assert again.headers["Idempotency-Hit"] == "true"
    assert SAID in words(client.get(again.location))
    assert everything() == before


@every_fragment
def test_a_panel_sent_twice_shows_its_outcome_again_and_says_so(client: FlaskClient, endpoint: str) -> None:
    submitter = Submitter(client, FORMS[endpoint])
    first = submitter.send(HTMX)
    assert first.status_code == 200
    assert SAID not in words(first)
    before = everything()
    again = submitter.send(HTMX)
    assert again.text.startswith(without_toasts(first))
    assert again.headers.get("HX-Trigger") == first.headers.get("HX-Trigger")
    assert SAID in words(again)
    assert [part["hx-target"] for part in parse(again.text).find_all("hx-partial")] == ["#toasts"]
    assert everything() == before


@every_fragment
def test_an_outcome_offers_nothing_to_send_again(client: FlaskClient, endpoint: str) -> None:
    assert forms_of(Submitter(client, FORMS[endpoint]).send(HTMX)) == []


@every_fragment
def test_a_panel_sent_again_without_scripts_leads_to_a_page(client: FlaskClient, endpoint: str) -> None:
    submitter = Submitter(client, FORMS[endpoint])
    submitter.send(HTMX)
    again = submitter.send()
    assert again.status_code == 303
    page = client.get(again.location)
    assert SAID in words(page)
    assert "<main" in page.text


@every_fragment
def test_a_form_sent_again_by_htmx_shows_the_panel_s_outcome(client: FlaskClient, endpoint: str) -> None:
    submitter = Submitter(client, FORMS[endpoint])
    submitter.send()
    again = submitter.send(HTMX)
    assert again.status_code == 200
    assert SAID in words(again)
    assert "<main" not in again.text


def test_a_repeat_shows_the_outcome_as_it_was_although_the_credit_has_changed_since(
    client: FlaskClient,
) -> None:
    submitter = Submitter(client, FORMS["actions.sell"])
    first = submitter.send(HTMX)
    retire_credit(credit_events()[-1].credit_id, {}, LOCAL)
    assert submitter.send(HTMX).text.startswith(without_toasts(first))


def test_the_same_form_with_other_fields_is_another_act(client: FlaskClient) -> None:
    submitter = Submitter(client, FORMS["credits.create"])
    locations = {submitter.send(serial_number=serial).location for serial in ("A", "B", "A")}
    assert len(locations) == 2
    assert len(list_events().items) == 2


def test_the_same_form_with_another_file_is_another_import(client: FlaskClient) -> None:
    submitter = Submitter(client, FORMS["imports.receive"])
    submitter.send()
    submitter.send(file=(io.BytesIO(b'[{"project_name": "other"}]'), "rows.json"))
    assert len(views.list_imports()) == 2


def test_a_form_from_before_there_were_keys_still_works(client: FlaskClient) -> None:
    page = client.get("/credits/new")
    answer = submit(client, page, "/credits/new", fields={**a_credit(), FORM_FIELD: None})
    assert answer.status_code == 303
    assert len(list_events().items) == 1


def test_a_key_that_no_page_of_ours_has_is_refused(client: FlaskClient) -> None:
    page = client.get("/credits/new")
    answer = submit(client, page, "/credits/new", fields={**a_credit(), FORM_FIELD: "\x00"})
    assert answer.status_code == 422
    assert list_events().items == []


def test_each_time_a_page_is_shown_its_form_has_another_key(client: FlaskClient) -> None:
    keys = {form_of(client.get("/credits/new"), "/credits/new").values[FORM_FIELD][0] for _ in range(3)}
    assert len(keys) == 3


def test_a_form_that_was_refused_can_be_put_right_and_sent_again(client: FlaskClient) -> None:
    submitter = Submitter(client, FORMS["credits.create"])
    assert submitter.send(vintage="1066").status_code == 422
    assert submitter.send().status_code == 303


def test_a_form_of_another_session_shows_nothing_without_its_token(
    ledger_app: Flask, client: FlaskClient
) -> None:
    submitter = Submitter(client, FORMS["credits.create"])
    submitter.send()
    submitter.client = ledger_app.test_client()
    assert submitter.send().status_code == 403


def test_what_was_not_committed_is_not_said_and_can_be_sent_again(
    client: FlaskClient, raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitter = Submitter(client, FORMS["corrections.cancel"])
    with monkeypatch.context() as broken:
        broken.setattr(idempotency_store, "store", _fail)
        assert submitter.send().status_code == 500
    assert "Voided." not in words(client.get("/"))
    assert len(list_events().items) == 1
    assert raw.execute("SELECT count(*) FROM idempotency_keys") == [(0,)]
    assert "Voided." in words(client.get(submitter.send().location))


def _fail(*_: object) -> None:
    raise LookupError("a bug")


def test_an_act_that_came_too_late_is_refused_each_time(client: FlaskClient) -> None:
    submitter = Submitter(client, FORMS["actions.retire"])
    retire_credit(submitter.action.split("/")[2], {}, LOCAL)
    assert [submitter.send().status_code for _ in range(2)] == [409, 409]
