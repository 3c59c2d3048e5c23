"""The pages of users, tokens, the account log and one's own password."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit
from tests.fixtures.forms import form_of, parse, submit
from tests.fixtures.ledger import RawClient
from tests.fixtures.principals import bearing, form_token, sign_in, signed_in
from tests.fixtures.users import PASSWORD, a_token, a_user, an_administrator, choosing
from tests.web.pages import HOSTILE, HTMX, dangers, links, table, words
from webapp.accounts import tokens, users
from webapp.accounts.roles import Role
from webapp.accounts.tokens import hash_of
from webapp.accounts.users import User
from webapp.ledger.listing import list_events

BETTER = "a better one than before"


@pytest.fixture(autouse=True)
def ada() -> User:
    """Add an administrator."""
    return an_administrator("Ada")


@pytest.fixture
def browser(ledger_app: Flask) -> FlaskClient:
    """Return the administrator's browser."""
    return signed_in(ledger_app, "Ada")


@pytest.mark.parametrize(
    "address", ["/people", "/people/new", "/tokens", "/account-log", "/account/password"]
)
def test_while_there_is_no_account_these_lead_to_the_set_up(
    ledger_app: Flask, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(users, "any_exists", lambda **_: False)
    assert ledger_app.test_client().get(address).headers["Location"] == "/setup"


def test_an_administrator_adds_somebody_who_can_sign_in(ledger_app: Flask, browser: FlaskClient) -> None:
    page = browser.get("/people/new")
    answer = submit(browser, page, "/people/new", name="Oscar", role="operator", password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/people")
    assert [row[:3] for row in table(browser.get("/people"), "People")] == [
        ["Ada you", "Administrator", "Yes"],
        ["Oscar", "Operator", "Yes initial password, not changed yet"],
    ]
    signed_in(ledger_app, "Oscar")


def test_what_is_wrong_with_a_new_person_stands_beside_the_field(browser: FlaskClient) -> None:
    page = browser.get("/people/new")
    answer = submit(browser, page, "/people/new", name="ada", password="Xy-secret")
    assert answer.status_code == 422
    assert "at least 12 characters" in words(answer)
    assert "Xy-secret" not in answer.text
    answer = submit(browser, page, "/people/new", name="ADA", password=PASSWORD)
    assert "There is already a person called Ada." in words(answer)
    assert len(users.list_all()) == 1


def test_a_role_that_there_is_not_is_refused(browser: FlaskClient) -> None:
    fields = form_of(browser.get("/people/new"), "/people/new").values
    sent = fields | {"name": ["Eve"], "password": [PASSWORD], "role": ["emperor"]}
    assert browser.post("/people/new", data=sent).status_code == 422
    assert len(users.list_all()) == 1


def test_another_role_counts_at_once(ledger_app: Flask, browser: FlaskClient) -> None:
    oscar = a_user("Oscar")
    theirs = signed_in(ledger_app, "Oscar")
    page = browser.get(f"/people/{oscar.id}")
    submit(browser, page, f"/people/{oscar.id}", role="viewer")
    assert users.find(oscar.id).role is Role.VIEWER
    assert theirs.get("/credits").status_code == 303
    sign_in(theirs, "Oscar")
    assert theirs.get("/credits/new").status_code == 403


def test_a_disabled_person_is_out_and_can_be_let_in_again(ledger_app: Flask, browser: FlaskClient) -> None:
    oscar = a_user("Oscar")
    theirs = signed_in(ledger_app, "Oscar")
    address = f"/people/{oscar.id}"
    answer = submit(browser, browser.get(f"{address}/disable"), f"{address}/disable")
    assert answer.headers["Location"] == address
    assert theirs.get("/credits").status_code == 303
    assert sign_in(theirs, "Oscar").status_code == 422
    assert "DISABLED" in words(browser.get("/people"))
    submit(browser, browser.get(address), f"{address}/enable")
    assert sign_in(theirs, "Oscar").status_code == 303


def test_the_last_administrator_stays(browser: FlaskClient, ada: User) -> None:
    address = f"/people/{ada.id}"
    for page, action, fields in (
        (f"{address}/disable", f"{address}/disable", {}),
        (address, address, {"role": "viewer"}),
    ):
        answer = submit(browser, browser.get(page), action, fields=fields)
        assert "the only administrator" in words(browser.get(answer.headers["Location"]))
    assert users.find(ada.id).is_enabled
    assert users.find(ada.id).role is Role.ADMINISTRATOR


def test_an_administrator_gives_a_new_password(ledger_app: Flask, browser: FlaskClient) -> None:
    oscar = a_user("Oscar")
    address = f"/people/{oscar.id}"
    answer = submit(browser, browser.get(address), address, password="short")
    assert answer.status_code == 422
    assert "at least 12 characters" in words(answer)
    submit(browser, browser.get(address), address, password=BETTER)
    assert sign_in(ledger_app.test_client(), "Oscar").status_code == 422
    assert sign_in(ledger_app.test_client(), "Oscar", BETTER).status_code == 303


def test_a_role_is_not_changed_where_the_password_is_refused(browser: FlaskClient) -> None:
    oscar = a_user("Oscar")
    address = f"/people/{oscar.id}"
    answer = submit(browser, browser.get(address), address, role="viewer", password="short")
    assert answer.status_code == 422
    assert users.find(oscar.id).role is Role.OPERATOR


@pytest.mark.parametrize("address", ["/people/99", f"/people/{2**63}", "/people/0"])
def test_a_person_who_is_not_there_is_404(browser: FlaskClient, address: str) -> None:
    assert browser.get(address).status_code == 404


def test_a_token_is_shown_once_on_a_page_that_nobody_keeps(browser: FlaskClient, client: FlaskClient) -> None:
    page = browser.get("/tokens/new")
    answer = submit(browser, page, "/tokens/new", name="nightly import", role="viewer", days="30")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    (secret,) = {code.text for code in parse(answer.text).find_all("code") if code.text.startswith("ccl_")}
    assert client.get("/records", headers=bearing(secret)).status_code == 200
    assert secret not in str(answer.headers)
    with browser.session_transaction() as cookie:
        assert secret not in str(dict(cookie))
    assert secret not in browser.get("/tokens").text
    (row,) = table(browser.get("/tokens"), "Tokens, newest first")
    assert (row[0], row[1], row[4]) == ("nightly import token:1", "Viewer", "Ada")


def test_a_token_form_sent_again_makes_no_second_token_and_shows_no_text(
    browser: FlaskClient, raw: RawClient
) -> None:
    page = browser.get("/tokens/new")
    first = submit(browser, page, "/tokens/new", name="nightly")
    (secret,) = {code.text for code in parse(first.text).find_all("code") if code.text.startswith("ccl_")}
    again = submit(browser, page, "/tokens/new", name="nightly")
    assert (again.status_code, again.headers["Location"]) == (303, "/tokens")
    assert again.headers["Idempotency-Hit"] == "true"
    assert "This token was already created. Its text is shown only once." in words(browser.get("/tokens"))
    assert [token.name for token in tokens.list_all()] == ["nightly"]
    ((kept, *others),) = raw.execute("SELECT ids, idempotency_keys.* FROM idempotency_keys")
    assert kept == '["1"]'
    assert secret not in str(others)
    assert hash_of(secret) not in str(others)


def test_what_is_wrong_with_a_new_token_stands_beside_the_field(browser: FlaskClient) -> None:
    page = browser.get("/tokens/new")
    answer = submit(browser, page, "/tokens/new", name=" ")
    assert answer.status_code == 422
    sent = form_of(page, "/tokens/new").values | {"name": ["x"], "days": ["100000"]}
    assert browser.post("/tokens/new", data=sent).status_code == 422
    assert tokens.list_all() == []


def test_a_revoked_token_is_refused_from_then_on(browser: FlaskClient, client: FlaskClient) -> None:
    secret = a_token(name="nightly")
    answer = submit(browser, browser.get("/tokens/1/revoke"), "/tokens/1/revoke")
    assert answer.status_code == 303
    assert client.get("/records", headers=bearing(secret)).status_code == 401
    assert "REVOKED" in words(browser.get("/tokens"))
    assert 'href="/tokens/1/revoke"' not in browser.get("/tokens").text


def test_ones_own_password_can_be_changed(ledger_app: Flask, browser: FlaskClient) -> None:
    elsewhere = signed_in(ledger_app, "Ada")
    page = browser.get("/account/password")
    answer = submit(browser, page, "/account/password", current=PASSWORD, new=BETTER, again=BETTER)
    assert answer.status_code == 303
    assert browser.get("/credits").status_code == 200
    assert elsewhere.get("/credits").status_code == 303
    assert sign_in(elsewhere, "Ada", BETTER).status_code == 303


def test_a_copy_of_the_cookie_is_of_no_use_after_a_change_of_the_password(
    ledger_app: Flask, browser: FlaskClient
) -> None:
    copied = browser.get_cookie("session")
    assert copied
    thief = ledger_app.test_client()
    thief.set_cookie("session", copied.value)
    assert thief.get("/credits").status_code == 200
    fields = {"current": PASSWORD, "new": BETTER, "again": BETTER}
    submit(browser, browser.get("/account/password"), "/account/password", fields=fields)
    assert thief.get("/credits").status_code == 303
    assert browser.get("/credits").status_code == 200


def test_nobody_gives_themselves_a_password_without_the_one_they_have(
    ledger_app: Flask, browser: FlaskClient, ada: User
) -> None:
    sent = {"csrf_token": form_token(browser), "role": "administrator", "password": BETTER}
    answer = browser.post(f"/people/{ada.id}", data=sent)
    assert answer.status_code == 403
    assert "under Change password" in words(answer)
    assert sign_in(ledger_app.test_client(), "Ada", BETTER).status_code == 422
    signed_in(ledger_app, "Ada")


def test_where_reading_is_public_nobodys_password_leads_to_the_sign_in(ledger_app: Flask) -> None:
    ledger_app.config["PUBLIC_READING"] = True
    answer = ledger_app.test_client().get("/account/password")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/account/password")


def test_what_is_wrong_with_a_password_stands_beside_its_field(browser: FlaskClient) -> None:
    page = browser.get("/account/password")

    def said(**fields: str) -> str:
        answer = submit(browser, page, "/account/password", fields=fields)
        assert answer.status_code == 422
        assert not any(typed in answer.text for typed in fields.values())
        return words(answer)

    assert "This is not your password." in said(current="Xy-wrong-one", new=BETTER, again=BETTER)
    assert "do not match" in said(current=PASSWORD, new=BETTER, again=f"{BETTER}!")
    assert "at least 12 characters" in said(current=PASSWORD, new="Xy-short", again="Xy-short")


def test_guesses_at_ones_own_password_are_held(browser: FlaskClient) -> None:
    page = browser.get("/account/password")
    guess = {"current": "guess", "new": BETTER, "again": BETTER}
    answers = [submit(browser, page, "/account/password", fields=guess) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_log_names_who_did_what_to_whom(browser: FlaskClient) -> None:
    submit(browser, browser.get("/people/new"), "/people/new", name="Oscar", password=PASSWORD)
    rows = table(browser.get("/account-log"), "Account log, newest first")
    assert [[row[1], row[2], row[4]] for row in rows] == [
        ["Added as operator", "Oscar", "Ada"],
        ["Signed in", "Ada", "Ada"],
        ["Added as administrator", "Ada", "cli"],
    ]


def test_the_log_is_filtered_and_paged_by_its_address(browser: FlaskClient, ada: User) -> None:
    for _ in range(51):
        users.set_password(ada.id, BETTER, "cli")
    choosing(ada)
    sign_in(browser, "Ada", BETTER)
    page = browser.get("/account-log?act=PASSWORD_SET")
    name = "Account log, newest first"
    assert {row[1] for row in table(page, name)} == {"Password set by an administrator"}
    assert len(table(page, name)) == 50
    older = browser.get(links(page)["Older"])
    assert len(table(older, name)) == 1
    assert links(older)["Newest"] == "/account-log?act=PASSWORD_SET"
    assert browser.get("/account-log?act=SIGNED_IN", headers=HTMX).text.lstrip().startswith("<div")


@pytest.mark.parametrize(
    ("query", "status"), [("act=NOTHING", 422), ("before=x", 422), ("before=-1", 422), ("before=1", 200)]
)
def test_an_address_of_the_log_that_cannot_be_is_refused(
    browser: FlaskClient, query: str, status: int
) -> None:
    assert browser.get(f"/account-log?{query}").status_code == status


def test_events_and_imports_show_the_present_name_of_whoever_acted(ledger_app: Flask) -> None:
    oscar = a_user("Oscar")
    browser = signed_in(ledger_app, "Oscar")
    answer = submit(browser, browser.get("/credits/new"), "/credits/new", fields=a_credit())
    credit = answer.headers["Location"]
    ledger_app.test_client().post(f"/records/{credit[9:]}/sell", headers=bearing(a_token(name="nightly")))
    assert [event.actor for event in list_events().items] == [oscar.actor, "token:1"]
    for address in (credit, "/activity", "/"):
        assert "nightly" in words(browser.get(address))
        assert "Oscar" in words(browser.get(address))
        assert 'title="user:2"' in browser.get(address).text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_inert_wherever_it_stands(
    ledger_app: Flask, browser: FlaskClient, name: str
) -> None:
    user = a_user(name, Role.OPERATOR)
    a_token(name=name)
    theirs = signed_in(ledger_app, name)
    submit(theirs, theirs.get("/credits/new"), "/credits/new", fields=a_credit())
    for address in ("/people", f"/people/{user.id}", "/tokens", "/account-log", "/activity"):
        page = browser.get(address)
        assert name in words(page)
        assert list(dangers(page)) == []
    assert list(dangers(theirs.get("/account/password"))) == []


def test_whoever_may_not_act_sees_no_way_to(ledger_app: Flask) -> None:
    a_user("Vera", Role.VIEWER)
    a_user("Oscar", Role.OPERATOR)
    theirs = signed_in(ledger_app, "Oscar")
    made = submit(theirs, theirs.get("/credits/new"), "/credits/new", fields=a_credit())
    viewer = signed_in(ledger_app, "Vera")
    for address in ("/", "/credits", made.headers["Location"], "/imports", "/activity"):
        page = viewer.get(address)
        assert page.status_code == 200
        ways = set(links(page).values()) | {form["action"] for form in parse(page.text).find_all("form")}
        for way in sorted(ways):
            if way.startswith("/") and way != "/sign-out":
                answer = viewer.get(way)
                answer.close()
                assert answer.status_code == 200, (address, way)
    assert "Retire" in links(theirs.get("/credits"))
    assert "Retire" not in links(viewer.get("/credits"))


def test_the_menu_has_what_the_role_may(ledger_app: Flask, browser: FlaskClient) -> None:
    a_user("Oscar", Role.OPERATOR)
    administration = {"People", "Tokens", "Account log"}
    assert administration <= set(links(browser.get("/")))
    assert not administration & set(links(signed_in(ledger_app, "Oscar").get("/")))
    assert "Change password" in links(signed_in(ledger_app, "Oscar").get("/"))
