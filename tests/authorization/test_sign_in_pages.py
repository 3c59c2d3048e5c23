"""Signing in and out, and the cookies of the browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import form_of, submit
from tests.fixtures.ledger import SECRET_KEY, LedgerClient
from tests.fixtures.principals import from_elsewhere, sign_in, signed_in
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from tests.web.pages import HTMX, words
from webapp import create_app
from webapp.accounts import sessions, users
from webapp.accounts.roles import Role
from webapp.config import Settings
from webapp.domain.errors import LedgerBusy
from webapp.ledger.listing import list_events
from webapp.ledger.storage.engine import db

FOREIGN = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/%0a/evil.example\r\nX: y",
    "https://evil.example/credits",
    "http:evil.example",
    "javascript:alert(1)",
    "evil.example",
    " /credits",
    "@evil.example",
    "",
]


@pytest.fixture(autouse=True)
def _ada() -> None:
    """Add an administrator."""
    an_administrator("Ada")


@pytest.fixture
def over_tls(database_url: str) -> Iterator[Flask]:
    """Open the application behind one proxy with TLS."""
    app = create_app(Settings(database_url, SECRET_KEY, trusted_proxies=1))
    app.test_client_class = LedgerClient
    with app.app_context():
        yield app
        db.engine.dispose()


def cookies_set(answer: TestResponse) -> dict[str, str]:
    """Return the attributes of the cookies in the response, by name."""
    found = [line.partition("=") for line in answer.headers.getlist("Set-Cookie")]
    return {name: rest for name, _, rest in found}


def test_name_and_password_lead_to_the_first_page(client: FlaskClient) -> None:
    answer = sign_in(client, "Ada")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Ada" in words(client.get("/"))


@pytest.mark.parametrize(
    ("name", "password"), [("Ada", "not the password"), ("Nobody", PASSWORD), ("", ""), ("\x00", "\ud800")]
)
def test_whatever_is_wrong_the_answer_is_the_same(client: FlaskClient, name: str, password: str) -> None:
    answer = sign_in(client, name, password.encode("utf-8", "replace").decode())
    assert answer.status_code == 422
    said = re.findall(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert len(said) == 1
    assert "The name and the password do not match an account that can sign in." in said[0]
    assert client.get("/credits").status_code == 303


def test_the_typed_password_does_not_come_back(client: FlaskClient) -> None:
    assert "not-the-password" not in sign_in(client, "Ada", "not-the-password").text


def test_a_page_leads_to_the_sign_in_and_from_there_back(client: FlaskClient) -> None:
    answer = client.get("/credits?status=ACTIVE&q=a+b")
    assert answer.status_code == 303
    assert sign_in(client, "Ada", address=answer.headers["Location"]).headers["Location"] == (
        "/credits?status=ACTIVE&q=a+b"
    )


@pytest.mark.parametrize("address", FOREIGN)
def test_an_address_of_another_site_leads_home(client: FlaskClient, address: str) -> None:
    page = client.get("/sign-in", query_string={"next": address})
    assert "evil.example" not in page.text
    fields = form_of(page, "/sign-in").values | {"name": ["Ada"], "password": [PASSWORD]}
    answer = client.post("/sign-in", query_string={"next": address}, data=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_whoever_is_signed_in_already_goes_on(ledger_app: Flask) -> None:
    answer = signed_in(ledger_app, "Ada").get("/sign-in?next=/activity")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/activity")


def test_guesses_are_held_with_a_page_that_says_for_how_long(client: FlaskClient) -> None:
    answers = [sign_in(client, "Ada", "guess") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Try again in" in words(answers[-1])
    assert sign_in(client, "Ada").status_code == 429


@pytest.mark.parametrize("forged", ["198.51.100.{}", "198.51.100.{}, 127.0.0.1"])
def test_a_forged_address_does_not_give_more_guesses(ledger_app: Flask, forged: str) -> None:
    stranger = from_elsewhere(ledger_app)
    page = stranger.get("/sign-in")
    statuses = []
    for number in range(6):
        headers = {"X-Forwarded-For": forged.format(number), "X-Real-IP": forged.format(number)}
        answer = submit(stranger, page, "/sign-in", name="Ada", password="guess", headers=headers)
        statuses.append(answer.status_code)
    assert statuses == [422] * 5 + [429]


def test_behind_a_trusted_proxy_each_visitor_is_counted_alone(over_tls: Flask) -> None:
    client = over_tls.test_client()
    for number in range(8):
        headers = {"X-Forwarded-For": f"192.0.2.77, 198.51.100.{number}", "X-Forwarded-Proto": "http"}
        page = client.get("/sign-in", headers=headers)
        answer = submit(client, page, "/sign-in", name="Ada", password="guess", headers=headers)
        assert answer.status_code == 422


def test_the_session_is_a_new_one_after_signing_in(client: FlaskClient) -> None:
    page = client.get("/sign-in")
    with client.session_transaction() as before:
        token, before["planted"] = before["csrf_token"], "by somebody else"
    submit(client, page, "/sign-in", name="Ada", password=PASSWORD)
    client.get("/credits/new")
    with client.session_transaction() as after:
        assert "planted" not in after
        assert after["csrf_token"] != token
    answer = submit(client, page, "/sign-in", name="Ada", password=PASSWORD)
    assert answer.status_code == 403  # the form of the session before


def test_signing_in_again_ends_the_session_before(client: FlaskClient) -> None:
    sign_in(client, "Ada")
    with client.session_transaction() as cookie:
        secret = cookie["secret"]
    page = from_elsewhere(client.application).get("/sign-in")
    token = form_of(client.get("/credits/new"), "/credits/new").values["csrf_token"]
    fields = form_of(page, "/sign-in").values | {"csrf_token": token, "name": "Ada", "password": PASSWORD}
    assert client.post("/sign-in", data=fields).status_code == 303
    assert sessions.find(secret) is None


def test_signing_out_ends_the_session_here_and_on_the_server(ledger_app: Flask) -> None:
    client = signed_in(ledger_app, "Ada")
    with client.session_transaction() as cookie:
        secret = cookie["secret"]
    answer = submit(client, client.get("/"), "/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert sessions.find(secret) is None
    with client.session_transaction() as cookie:
        assert "secret" not in cookie
        cookie["secret"] = secret
    assert client.get("/credits").status_code == 303


def test_whoever_cannot_be_signed_out_on_the_server_stays_signed_in_here_and_can_try_again(
    ledger_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ledger_app, "Ada")
    page = client.get("/")

    def is_locked(secret: str) -> None:
        raise LedgerBusy(f"The database is locked, with {len(secret)} characters to end.")

    with monkeypatch.context() as patched:
        patched.setattr(sessions, "end", is_locked)
        assert submit(client, page, "/sign-out").status_code == 503
    assert client.get("/credits").status_code == 200
    assert submit(client, page, "/sign-out").status_code == 303
    assert client.get("/credits").status_code == 303


def test_another_site_cannot_sign_anybody_out(ledger_app: Flask) -> None:
    client = signed_in(ledger_app, "Ada")
    assert client.post("/sign-out").status_code == 403
    assert client.get("/sign-out").status_code == 405
    assert client.get("/credits").status_code == 200


def test_a_disabled_persons_session_ends_at_once(ledger_app: Flask) -> None:
    user = a_user("Oscar")
    client = signed_in(ledger_app, "Oscar")
    users.disable(user.id, "cli")
    assert client.get("/credits").status_code == 303


def test_a_lesser_role_counts_at_once(ledger_app: Flask) -> None:
    user = a_user("Oscar")
    client = signed_in(ledger_app, "Oscar")
    page = client.get("/credits/new")
    users.change_role(user.id, Role.VIEWER, "cli")
    answer = submit(client, page, "/credits/new", fields=a_credit())
    assert answer.status_code in {401, 403}
    assert list_events().items == []


def test_a_form_sent_after_the_session_ended_is_not_lost_in_silence(ledger_app: Flask) -> None:
    client = signed_in(ledger_app, "Ada")
    page = client.get("/credits/new")
    sessions.end_all(1, "user:1")
    headers = {"Referer": "http://localhost/credits/new"}
    answer = submit(client, page, "/credits/new", fields=a_credit(), headers=headers)
    assert answer.status_code == 401
    assert "Sign in first" in words(answer)
    assert 'href="/sign-in?next=/credits/new"' in answer.text
    assert list_events().items == []


def test_htmx_is_led_to_the_sign_in_and_back_to_its_page(client: FlaskClient) -> None:
    headers = HTMX | {"HX-Current-URL": "http://localhost/credits?q=solar#top"}
    answer = client.get(f"/credits/{recorded()}/sell", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/credits?q%3Dsolar"


@pytest.mark.parametrize(
    "around", ["http://[evil/", "//evil.example/", "https://evil.example/", "", "x" * 50]
)
def test_whatever_page_htmx_names_the_sign_in_leads_to_none_of_another_site(
    client: FlaskClient, around: str
) -> None:
    answer = client.get("/credits", headers=HTMX | {"HX-Current-URL": around})
    assert answer.status_code == 401
    assert sign_in(client, "Ada", address=answer.headers["HX-Redirect"]).headers["Location"] == "/"


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = cookies_set(sign_in(client, "Ada"))["session"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # over plain HTTP it would not come back


def test_over_tls_the_cookie_is_bound_to_this_host_and_to_tls(over_tls: Flask) -> None:
    client = over_tls.test_client()
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    page = client.get("/sign-in", headers=headers, base_url="http://localhost")
    cookies: Any = cookies_set(page)
    assert list(cookies) == ["__Host-session"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Secure"} <= set(cookies["__Host-session"].split("; "))
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("address", ["/static/js/app.js", "/static/none.js", "/nothing-here"])
def test_over_tls_every_answer_asks_browsers_to_stay_with_it(over_tls: Flask, address: str) -> None:
    with over_tls.test_client().get(address, headers={"X-Forwarded-Proto": "https"}) as answer:
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_forged_scheme_changes_nothing(client: FlaskClient) -> None:
    page = client.get("/sign-in", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert list(cookies_set(page)) == ["session"]
    assert "Strict-Transport-Security" not in page.headers
    assert "evil.example" not in page.text + str(page.headers)


def test_a_trusted_proxy_does_not_say_what_the_host_is(over_tls: Flask) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Host": "localhost"}
    answer = over_tls.test_client().get("/credits", headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/credits")


@pytest.mark.parametrize("address", ["/", "/credits", "/nothing-here", "/credits/new", "/docs"])
def test_nobody_keeps_a_copy_of_what_somebody_saw(ledger_app: Flask, address: str) -> None:
    assert signed_in(ledger_app, "Ada").get(address).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/sign-in", "/sign-in?next=/credits"])
def test_nobody_keeps_a_copy_of_a_page_with_a_password_in_it(client: FlaskClient, address: str) -> None:
    assert client.get(address).headers["Cache-Control"] == "no-store"


def test_no_secret_stands_in_an_address_or_a_page(ledger_app: Flask) -> None:
    client = ledger_app.test_client()
    answer = sign_in(client, "Ada")
    with client.session_transaction() as cookie:
        secret = cookie["secret"]
    page = client.get("/")
    assert secret not in page.text
    assert secret not in answer.headers["Location"]


def test_a_password_manager_finds_its_fields(client: FlaskClient) -> None:
    page = client.get("/sign-in").text
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
