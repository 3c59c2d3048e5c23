"""Creating the first administrator, from this machine or with the set-up code."""

import hashlib
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.setup_code import setup_code, setup_code_hash
from tests.fixtures.forms import form_of, submit
from tests.fixtures.ledger import LedgerClient, RawClient
from tests.fixtures.principals import from_elsewhere
from tests.fixtures.users import PASSWORD, an_administrator
from tests.web.pages import words
from webapp.accounts import audit_log, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.errors import AdministratorRequired, AlreadySetUp
from webapp.accounts.roles import Role
from webapp.config import BadSetting, Settings

CODE = "k7mfe-2wq9x-hd4ra"


@pytest.fixture(autouse=True)
def _code(ledger_app: Flask) -> None:
    """Set the hash of the set-up code, as the start script does."""
    ledger_app.config["SETUP_CODE_HASH"] = hashlib.sha256(CODE.replace("-", "").encode()).hexdigest()


def set_up(client: FlaskClient, **fields: str) -> TestResponse:
    """Submit the form."""
    given = {"name": "Ada", "password": PASSWORD, "again": PASSWORD} | fields
    return submit(client, client.get("/setup"), "/setup", fields=given)


def test_this_machine_needs_no_code(client: FlaskClient) -> None:
    assert "code" not in form_of(client.get("/setup"), "/setup").values
    answer = set_up(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert [(user.name, user.role) for user in users.list_all()] == [("Ada", Role.ADMINISTRATOR)]


def test_whoever_sets_up_is_signed_in(client: FlaskClient) -> None:
    set_up(client)
    assert "Ada" in words(client.get("/"))


def test_another_machine_needs_the_code(ledger_app: Flask) -> None:
    assert set_up(from_elsewhere(ledger_app), code=CODE).status_code == 303
    assert users.any_exists()


@pytest.mark.parametrize("typed", [CODE.upper(), CODE.replace("-", ""), f"  {CODE} ", CODE.replace("-", " ")])
def test_the_code_may_be_typed_in_other_ways(ledger_app: Flask, typed: str) -> None:
    assert set_up(from_elsewhere(ledger_app), code=typed).status_code == 303


@pytest.mark.parametrize("typed", ["", "-", CODE[:-1], CODE + "a", "k7mfe-2wq9x-hd4rb"])
def test_a_wrong_code_makes_nobody(ledger_app: Flask, typed: str) -> None:
    answer = set_up(from_elsewhere(ledger_app), code=typed)
    assert answer.status_code == 422
    assert "This is not the code" in words(answer)
    assert not users.any_exists()


def test_a_form_without_the_field_of_the_code_makes_nobody(ledger_app: Flask) -> None:
    stranger = from_elsewhere(ledger_app)
    token = form_of(stranger.get("/setup"), "/setup").values["csrf_token"][0]
    fields = {"csrf_token": token, "name": "Eve", "password": PASSWORD, "again": PASSWORD}
    assert stranger.post("/setup", data=fields).status_code == 422
    assert not users.any_exists()


def test_where_no_code_was_made_none_is_right(ledger_app: Flask) -> None:
    ledger_app.config["SETUP_CODE_HASH"] = ""
    stranger = from_elsewhere(ledger_app)
    assert "flask user add NAME --role administrator" in words(stranger.get("/setup"))
    page = ledger_app.test_client().get("/setup")
    answer = submit(stranger, page, "/setup", name="Eve", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 403  # a form of another session
    assert not users.any_exists()


def test_guesses_at_the_code_are_held(ledger_app: Flask) -> None:
    stranger = from_elsewhere(ledger_app)
    answers = [set_up(stranger, code="guess") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert set_up(stranger, code=CODE).status_code == 429
    assert not users.any_exists()


def test_the_right_code_with_a_bad_password_is_no_guess(ledger_app: Flask) -> None:
    stranger = from_elsewhere(ledger_app)
    for _ in range(7):
        assert set_up(stranger, code=CODE, password="short", again="short").status_code == 422
    assert set_up(stranger, code=CODE).status_code == 303


def test_what_is_wrong_stands_beside_its_field_and_no_password_comes_back(client: FlaskClient) -> None:
    answer = set_up(client, password="Xy-secret", again="Xy-secret")
    assert answer.status_code == 422
    assert "at least 12 characters" in words(answer)
    assert "Xy-secret" not in answer.text
    answer = set_up(client, again="another one again")
    assert "do not match" in words(answer)
    assert not users.any_exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_once_there_is_an_account_the_page_leads_to_the_sign_in(client: FlaskClient, method: str) -> None:
    page = client.get("/setup")
    an_administrator()
    answer = (
        client.get("/setup")
        if method == "get"
        else submit(client, page, "/setup", name="Eve", password=PASSWORD, again=PASSWORD)
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert [user.name for user in users.list_all()] == ["Ada"]


def test_of_two_at_once_one_becomes_the_administrator(ledger_app: Flask) -> None:
    clients = [ledger_app.test_client() for _ in range(4)]
    pages = [client.get("/setup") for client in clients]
    barrier, answers = Barrier(len(clients)), []

    def send(number: int, client: FlaskClient) -> None:
        barrier.wait()
        fields = {"name": f"Ada {number}", "password": PASSWORD, "again": PASSWORD}
        answers.append(submit(client, pages[number], "/setup", fields=fields).headers["Location"])

    threads = [Thread(target=send, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["/", "/sign-in", "/sign-in", "/sign-in"]
    assert len(users.list_all()) == 1


def test_the_log_of_accounts_says_who_was_made(client: FlaskClient) -> None:
    set_up(client)
    made = [entry for entry in audit_log.page() if entry.act == "USER_ADDED"]
    assert [(entry.actor, entry.data["role"]) for entry in made] == [("local", "administrator")]


def test_the_log_of_accounts_tells_a_set_up_with_the_code_and_wrong_codes_from_local_ones(
    ledger_app: Flask,
) -> None:
    stranger = from_elsewhere(ledger_app)
    set_up(stranger, code="guess")
    set_up(stranger, code=CODE)
    logged = [(entry.actor, entry.act) for entry in reversed(audit_log.page())]
    assert logged[:2] == [("setup", "SIGN_IN_REFUSED"), ("setup", "USER_ADDED")]


def test_guesses_at_the_code_hold_nobody_elsewhere(ledger_app: Flask) -> None:
    strangers = [from_elsewhere(ledger_app, f"203.0.113.{last}") for last in range(1, 7)]
    for stranger in strangers:
        assert [set_up(stranger, code="guess").status_code for _ in range(5)] == [422] * 5
    assert "Too many codes were wrong" in words(set_up(strangers[0], code="guess"))
    assert set_up(from_elsewhere(ledger_app, "198.51.100.1"), code=CODE).status_code == 303


def test_the_printed_code_is_long_enough_and_made_once() -> None:
    assert setup_code() == setup_code()
    assert len(setup_code().replace("-", "")) == 15
    assert setup_code_hash() == hashlib.sha256(setup_code().replace("-", "").encode()).hexdigest()


@pytest.mark.parametrize("given", ["zz", "0" * 63, "0" * 65, "g" * 64])
def test_a_hash_of_the_code_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SETUP_CODE_HASH", given)
    with pytest.raises(BadSetting, match=r"^SETUP_CODE_HASH: "):
        Settings.from_environment()


def test_a_set_up_page_of_another_site_makes_nobody(ledger_app: Flask) -> None:
    client: LedgerClient = ledger_app.test_client()  # type: ignore[assignment]
    fields = {"name": "Eve", "password": PASSWORD, "again": PASSWORD}
    assert client.post("/setup", data=fields).status_code == 403
    assert not users.any_exists()


def test_emptied_users_do_not_open_the_ledger_again(ledger_app: Flask, raw: RawClient) -> None:
    an_administrator()
    raw.execute("DELETE FROM users")
    users._engines_with_users.clear()  # as after a restart
    here = ledger_app.test_client()
    assert here.get("/").headers["Location"].startswith("/sign-in")
    assert here.get("/setup").headers["Location"] == "/sign-in"
    page = words(here.get("/sign-in"))
    assert "had accounts, and has none now" in page
    assert "flask user add NAME --role administrator" in page
    assert here.post("/records", json={}).status_code == 401


@pytest.mark.usefixtures("ledger_app")
def test_the_terminal_makes_an_administrator_again_under_another_number(raw: RawClient) -> None:
    before = an_administrator()
    raw.execute("DELETE FROM users")
    again = users.add("Ada", Role.ADMINISTRATOR, PASSWORD, CLI)
    assert again.id == before.id + 1
    assert not again.has_initial_password


@pytest.mark.usefixtures("ledger_app")
def test_emptied_users_give_nobody_here_the_role_of_an_administrator(raw: RawClient) -> None:
    an_administrator()
    raw.execute("DELETE FROM users")
    users._engines_with_users.clear()
    with pytest.raises(AdministratorRequired):
        users.add("Eve", Role.ADMINISTRATOR, PASSWORD, LOCAL)
    with pytest.raises(AlreadySetUp):
        users.add_first("Eve", PASSWORD, LOCAL)
