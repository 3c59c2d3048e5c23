"""Errors are pages, or one notice for htmx."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded, retired
from tests.fixtures.forms import parse, submit
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.web.pages import HOSTILE, HTMX, dangers, links, receive, words
from webapp.authorization import allows_everyone
from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyRetired,
    CursorMismatch,
    ImportNotOpen,
    LedgerBusy,
    LedgerError,
    SerialHeld,
    TooManyRows,
    UnreadableFile,
    UnsupportedFile,
)
from webapp.ledger import group_commit, summaries
from webapp.web import dashboard

ID = "f" * 64
STATUSES = [400, 403, 404, 405, 409, 411, 413, 415, 422, 500, 503]
PAGES = ["/", "/credits", "/credits/new", "/activity", "/imports", "/imports/1"]


def answer_with(app: Flask, error: Exception | Callable[[], None], address: str = "/fails") -> TestResponse:
    """Return the response of a view that raises this error."""

    def fail() -> str:
        if isinstance(error, Exception):
            raise error
        error()
        return ""

    app.add_url_rule(address, view_func=allows_everyone(fail))
    return app.test_client().get(address)


def is_a_page_of_ours(answer: TestResponse) -> bool:
    document = parse(answer.text)
    navigations = [nav for nav in document.find_all("nav") if nav["aria-label"] == "Main"]
    return bool(navigations) and answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("status", STATUSES)
def test_each_error_is_a_page_in_the_design_of_all_others(ledger_app: Flask, status: int) -> None:
    answer = answer_with(ledger_app, lambda: abort(status))
    assert answer.status_code == status
    assert f"Error {status}" in words(answer)
    assert is_a_page_of_ours(answer)


@pytest.mark.parametrize("status", STATUSES)
def test_htmx_gets_one_notice_for_each_error(ledger_app: Flask, status: int) -> None:
    ledger_app.add_url_rule("/fails", view_func=allows_everyone(lambda: abort(status)))
    answer = ledger_app.test_client().get("/fails", headers=HTMX)
    assert answer.status_code == status
    [root] = [child for child in parse(answer.text).children if not isinstance(child, str)]
    assert root["class"].split()[0] == "notice"
    assert f"({status})" in words(root)


def test_htmx_that_restores_a_page_of_the_history_gets_the_whole_of_it(client: FlaskClient) -> None:
    answer = client.get("/nix", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert is_a_page_of_ours(answer)


def test_page_and_notice_are_never_mixed_up_by_a_cache(client: FlaskClient) -> None:
    assert "HX-Request" in client.get("/nix").vary


def test_a_page_that_does_not_exist_leads_on(client: FlaskClient) -> None:
    assert {"All credits", "Dashboard"} <= set(links(client.get("/nix")))


def test_a_method_that_an_address_does_not_take_names_those_it_takes(client: FlaskClient) -> None:
    answer = client.get("/imports/sample")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_body_without_a_length_is_refused_on_a_page(client: FlaskClient) -> None:
    answer = client.post("/imports/new", headers={"Transfer-Encoding": "chunked"})
    assert answer.status_code == 411
    assert is_a_page_of_ours(answer)


@pytest.mark.parametrize(
    ("refusal", "status", "text", "href"),
    [
        (SerialHeld("VCS", "S", ID), 409, "See the credit that holds it", f"/credits/{ID}"),
        (
            AlreadyRetired(ID, "RETIRED", "SOLD", "then"),
            409,
            "See the credit and its history",
            f"/credits/{ID}",
        ),
        (
            ActionNotAllowed(ID, "SOLD", "SOLD", "then"),
            409,
            "See the credit and its history",
            f"/credits/{ID}",
        ),
        (ImportNotOpen("done"), 409, "All imports", "/imports"),
        (CursorMismatch(), 422, "First page of the list", "/imports/fails"),
        (TooManyRows(10), 413, "Choose another file", "/imports/new"),
        (UnreadableFile("x"), 400, "Choose another file", "/imports/new"),
        (UnsupportedFile("x"), 415, "Choose another file", "/imports/new"),
        (LedgerBusy("x"), 503, "Try again", "/imports/fails"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LedgerError) else "",
)
def test_a_refusal_leads_to_what_can_be_done_next(
    ledger_app: Flask, refusal: LedgerError, status: int, text: str, href: str
) -> None:
    answer = answer_with(ledger_app, refusal, "/imports/fails")
    assert answer.status_code == status
    assert links(answer)[text] == href


def test_a_credit_that_does_not_exist_is_a_page_that_says_so(client: FlaskClient) -> None:
    answer = client.get(f"/credits/{'0' * 64}")
    assert answer.status_code == 404
    assert "No such credit" in words(answer)
    assert links(answer)["All credits"] == "/credits"


def test_a_bug_is_a_page_without_its_details(ledger_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_with(ledger_app, RuntimeError("secret thing"))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "secret thing" in caplog.text


def test_a_bug_in_a_write_does_not_claim_that_nothing_was_recorded(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError

    page = client.get("/")
    monkeypatch.setattr("webapp.imports.jobs.receive", broken)
    answer = submit(client, page, "/imports/sample")
    assert answer.status_code == 500
    assert "Check whether it was recorded before you send it again." in words(answer)


def test_hostile_text_in_an_address_is_inert_on_an_error_page(client: FlaskClient) -> None:
    for text in HOSTILE:
        for answer in (
            client.get(f"/{text}"),
            client.get("/nix", query_string={text: text}),
            client.get("/activity", query_string={"type": text}),
            client.get("/activity", query_string={"cursor": text}),
        ):
            assert answer.status_code in {404, 422}
            assert list(dangers(answer)) == []


# --- Expired forms and cross-site writes


def test_a_form_without_its_token_is_refused_and_nothing_is_recorded(client: FlaskClient) -> None:
    answer = client.post("/credits/new", data=a_credit())
    assert answer.status_code == 403
    assert "This form is no longer valid" in words(answer)
    assert summaries.ledger_totals().ledger.all.credits == 0


def test_a_form_of_another_session_is_refused(ledger_app: Flask, client: FlaskClient) -> None:
    page = ledger_app.test_client().get("/")
    assert submit(client, page, "/imports/sample").status_code == 403


def test_the_page_of_a_form_that_is_no_longer_valid_can_be_loaded_again(client: FlaskClient) -> None:
    answer = client.post("/credits/new", headers={"Referer": "http://localhost/credits/new?vintage=2020"})
    assert links(answer)["Reload the page"] == "/credits/new?vintage=2020"


@pytest.mark.parametrize(
    "referrer",
    ["http://example.org/credits/new", "http://localhost//example.org/", "javascript:alert(1)", ""],
)
def test_no_error_page_leads_back_to_another_site(client: FlaskClient, referrer: str) -> None:
    answer = client.post("/credits/new", headers={"Referer": referrer})
    assert "Reload the page" not in links(answer)
    assert list(dangers(answer)) == []


def test_a_write_from_another_site_is_refused_on_a_page(client: FlaskClient) -> None:
    page = client.get("/")
    answer = submit(client, page, "/imports/sample", headers={"Origin": "http://example.org"})
    assert answer.status_code == 403
    assert "another site" in words(answer)


# --- The database is down, locked or not migrated


@pytest.fixture(params=["sqlite", "postgresql"])
def unreachable(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that does not respond."""
    missing = f"sqlite:///{tmp_path}/no/such/folder/ledger.sqlite3"
    return missing if request.param == "sqlite" else "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_the_database_does_not_answer(unreachable: str, page: str) -> None:
    with opened(unreachable) as app:
        answer = app.test_client().get(page)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert links(answer)["Try again"] == page
        assert is_a_page_of_ours(answer)


def test_a_database_that_is_not_migrated_gives_the_command(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/empty.sqlite3") as app:
        answer = app.test_client().get("/")
        assert answer.status_code == 503
        [command] = parse(answer.text).find_all("pre")
        assert command.text.strip() == "flask db upgrade"


def test_a_database_that_stays_locked_refuses_a_write_with_a_page(
    make_database: MakeDatabase, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database(dialect)
    with opened(url) as app, connected(url) as other:
        client = app.test_client()
        page = client.get("/")
        other.execute("BEGIN IMMEDIATE")
        with monkeypatch.context() as impatient:
            impatient.setattr(group_commit, "WAIT_S", 0.2)
            answer = submit(client, page, "/imports/sample", headers={"Referer": "http://localhost/"})
        other.execute("ROLLBACK")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert links(answer)["Reload the page"] == "/"
        assert submit(client, page, "/imports/sample").status_code == 303


def test_a_locked_database_keeps_an_import_open(
    make_database: MakeDatabase, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database(dialect)
    with opened(url) as app, connected(url) as other:
        client = app.test_client()
        address = receive(client, [a_credit()])
        page = client.get(address)
        other.execute("BEGIN IMMEDIATE")
        with monkeypatch.context() as impatient:
            impatient.setattr(group_commit, "WAIT_S", 0.2)
            refused = submit(client, page, f"{address}/write")
        other.execute("ROLLBACK")
        assert refused.status_code == 503
        assert submit(client, page, f"{address}/write").status_code == 303


def test_a_retired_credit_is_refused_with_the_way_to_its_history(client: FlaskClient) -> None:
    credit_id = recorded()
    page = client.get(f"/credits/{credit_id}/retire")
    retired()  # the same credit, meanwhile
    answer = submit(client, page, f"/credits/{credit_id}/retire", beneficiary="Late")
    assert answer.status_code == 409


def test_pages_are_still_there_for_reading_while_another_writes(
    client: FlaskClient, raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    monkeypatch.setattr(dashboard, "WAIT_S", 0.2)
    raw.execute("BEGIN IMMEDIATE")
    page = client.get("/")
    assert page.status_code == 200
    assert "The history by day is being prepared" in page.text
    raw.execute("ROLLBACK")
