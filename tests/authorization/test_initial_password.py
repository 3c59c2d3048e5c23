"""A user with an initial password must choose their own before anything else."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.clock import SetClock
from tests.fixtures.forms import form_of, submit
from tests.fixtures.principals import bearing, sign_in, signed_in
from tests.fixtures.users import PASSWORD, a_token, an_administrator
from tests.web.pages import HTMX, links, table, words
from webapp import authorization
from webapp.accounts import users
from webapp.accounts.actors import CLI
from webapp.accounts.roles import Role

THERE = "/account/password"
OWN = "a sentence of my own"


@pytest.fixture
def browser(ledger_app: Flask) -> FlaskClient:
    """Return the browser of a second administrator, who signed in with an initial password."""
    an_administrator("Ada")
    users.add("Grace", Role.ADMINISTRATOR, PASSWORD, CLI)
    return signed_in(ledger_app, "Grace")


def form_token(browser: FlaskClient) -> str:
    """Return the CSRF token of the password form."""
    return form_of(browser.get(THERE), THERE).values["csrf_token"][0]


def test_every_page_leads_to_the_choice(ledger_app: Flask, browser: FlaskClient) -> None:
    tried = 0
    for rule in ledger_app.url_map.iter_rules():
        view = ledger_app.view_functions[rule.endpoint]
        if rule.endpoint.startswith("api_") or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint == "account.password" or authorization.required_role(view) == authorization.EVERYONE:
            continue
        answer = browser.get(re.sub("<[^>]*>", "1", rule.rule))
        assert (answer.status_code, answer.headers.get("Location")) == (303, THERE), rule
        tried += 1
    assert tried > 15


def test_htmx_is_led_there_too(browser: FlaskClient) -> None:
    answer = browser.get("/credits", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (403, THERE)


@pytest.mark.parametrize("address", ["/credits/new", "/people/new", "/tokens/new", "/people/1/disable"])
def test_a_write_is_refused_and_says_why(browser: FlaskClient, address: str) -> None:
    answer = browser.post(address, data={"csrf_token": form_token(browser)})
    assert answer.status_code == 403
    assert "Choose your own first" in words(answer)


def test_the_api_is_refused_and_says_why(browser: FlaskClient) -> None:
    headers = {"X-CSRFToken": form_token(browser)}
    for answer in (browser.get("/records"), browser.post("/records", json={}, headers=headers)):
        assert answer.status_code == 403
        assert "Choose your own first" in answer.get_json()["detail"]


def test_a_token_is_not_concerned(browser: FlaskClient) -> None:
    assert browser.get("/records", headers=bearing(a_token())).status_code == 200


def test_with_a_password_of_their_own_they_go_on(ledger_app: Flask, browser: FlaskClient) -> None:
    page = browser.get(THERE)
    assert "An administrator set your current password" in words(page)
    same = submit(browser, page, THERE, current=PASSWORD, new=PASSWORD, again=PASSWORD)
    assert same.status_code == 422
    assert "Choose a password other than the initial one." in words(same)
    assert submit(browser, page, THERE, current=PASSWORD, new=OWN, again=OWN).status_code == 303
    assert browser.get("/people").status_code == 200
    assert sign_in(ledger_app.test_client(), "Grace", OWN).status_code == 303


def test_they_can_sign_out_instead(browser: FlaskClient) -> None:
    answer = submit(browser, browser.get(THERE), "/sign-out")
    assert answer.headers["Location"] == "/sign-in"
    assert browser.get("/").headers["Location"].startswith("/sign-in")


def test_administrators_see_who_has_not_chosen_yet(
    ledger_app: Flask, browser: FlaskClient, set_clock: SetClock
) -> None:
    del browser
    ada = signed_in(ledger_app, "Ada")
    states = [row[2] for row in table(ada.get("/people"), "People")]
    assert states == ["Yes", "Yes initial password, not changed yet"]
    assert "Initial password, not changed yet" in words(ada.get("/people/2"))
    users.set_password(2, OWN, CLI)
    set_clock.go(days=7)
    assert "initial password, expired" in words(signed_in(ledger_app, "Ada").get("/people"))


def test_the_choice_offers_no_way_around_it(browser: FlaskClient) -> None:
    assert "Cancel" not in links(browser.get(THERE))
