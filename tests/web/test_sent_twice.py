"""A form that is sent twice is done once, and whoever sent it sees that it was done."""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from flask import Flask, flash
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import form_of, forms_of, parse, submit
from tests.fixtures.ledger import RawClient
from tests.web.pages import HTMX, receive, words
from webapp.api.problems import is_api_path
from webapp.gate import SAFE_METHODS
from webapp.kept import is_never_kept, led_away
from webapp.ledger import imports
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import retire_credit
from webapp.ledger.database import transact
from webapp.ledger.lists import list_events

SAID = "It was not done twice."
FIELD = "idempotency_key"


@dataclass(frozen=True)
class Sent:
    """A form: where its page is, where it goes, and what is entered. {} stands for what is prepared."""

    page: str
    action: str
    fields: Mapping[str, object]
    prepare: Callable[[FlaskClient], str] = lambda _: recorded()
    has_fragment: bool = False


def an_import(client: FlaskClient) -> str:
    return receive(client, [a_credit(serial_number="ROW")]).rpartition("/")[2]


def a_file() -> tuple[io.BytesIO, str]:
    return io.BytesIO(json.dumps([a_credit(serial_number="ROW")]).encode()), "rows.json"


CREDIT = "/credits/{}"
FORMS: Mapping[str, Sent] = {
    "credits.create": Sent("/credits/new", "/credits/new", a_credit(), lambda _: ""),
    "acts.sell": Sent(f"{CREDIT}/sell", f"{CREDIT}/sell", {"buyer": "A", "quantity": "1"}, has_fragment=True),
    "acts.retire": Sent(
        f"{CREDIT}/retire", f"{CREDIT}/retire", {"beneficiary": "A", "quantity": "1"}, has_fragment=True
    ),
    "splits.record": Sent(f"{CREDIT}/split?quantities=40", f"{CREDIT}/split", {}),
    "corrections.cancel": Sent(f"{CREDIT}/cancel", f"{CREDIT}/cancel", {"reason": "wrong"}),
    "corrections.correct": Sent(
        f"{CREDIT}/correct", f"{CREDIT}/correct", {"reason": "wrong", "vintage": "2022"}
    ),
    "imports.receive": Sent("/imports/new", "/imports/new", {"file": a_file}, lambda _: ""),
    "imports.receive_sample": Sent("/", "/imports/sample", {}, lambda _: ""),
    "imports.write": Sent("/imports/{}", "/imports/{}/write", {}, an_import, has_fragment=True),
    "imports.cancel": Sent("/imports/{}", "/imports/{}/cancel", {}, an_import, has_fragment=True),
}

every_form = pytest.mark.parametrize("endpoint", FORMS)
every_fragment = pytest.mark.parametrize(
    "endpoint", [name for name, sent in FORMS.items() if sent.has_fragment]
)


class Person:
    """Somebody with a form open, who may send it more than once."""

    def __init__(self, client: FlaskClient, endpoint: str) -> None:
        sent = FORMS[endpoint]
        place = sent.prepare(client)
        self.client, self.fields = client, sent.fields
        self.action = sent.action.format(place)
        page = client.get(sent.page.format(place)).text
        # The page of a split has another form there, which asks for the preview.
        self.page = re.sub('<form[^>]*method="get".*?</form>', "", page, flags=re.DOTALL)

    def send(self, headers: Mapping[str, str] | None = None, **changes: object) -> TestResponse:
        fields = {name: value() if callable(value) else value for name, value in self.fields.items()}
        return submit(self.client, self.page, self.action, headers=headers, fields={**fields, **changes})


def everything() -> tuple[int, list[str]]:
    """Return how many events there are, and the state of every import."""
    return len(list_events(limit=500).items), [str(found.state) for found in imports.list_imports()]


def test_every_form_of_every_page_is_among_those_tested(ledger_app: Flask) -> None:
    writing = {
        rule.endpoint
        for rule in ledger_app.url_map.iter_rules()
        if (rule.methods or set()) - SAFE_METHODS
        and not is_api_path(rule.rule)
        and not is_never_kept(ledger_app.view_functions[rule.endpoint])
        and not led_away(ledger_app.view_functions[rule.endpoint])  # tests/access/test_account_pages.py
    }
    assert set(FORMS) == writing


@every_form
def test_a_form_sent_twice_is_done_once_and_leads_to_the_same_place(
    client: FlaskClient, endpoint: str
) -> None:
    person = Person(client, endpoint)
    first = person.send()
    assert first.status_code == 303
    assert SAID not in words(client.get(first.location))
    before = everything()
    again = person.send()
    assert (again.status_code, again.location) == (303, first.location)
    assert again.headers["Idempotency-Hit"] == "true"
    assert SAID in words(client.get(again.location))
    assert everything() == before


@every_fragment
def test_a_panel_sent_twice_shows_its_outcome_again_and_says_so(client: FlaskClient, endpoint: str) -> None:
    person = Person(client, endpoint)
    first = person.send(HTMX)
    assert first.status_code == 200
    before = everything()
    again = person.send(HTMX)
    assert again.text.startswith(first.text)
    assert again.headers.get("HX-Trigger") == first.headers.get("HX-Trigger")
    assert SAID in words(again)
    assert [part["hx-target"] for part in parse(again.text).find_all("hx-partial")] == ["#notices"]
    assert everything() == before


@every_fragment
def test_what_is_given_again_holds_no_form_and_no_token(
    client: FlaskClient, raw: RawClient, endpoint: str
) -> None:
    person = Person(client, endpoint)
    answer = person.send(HTMX)
    assert forms_of(answer) == []
    ((body, headers),) = raw.execute(
        "SELECT body, headers FROM idempotency_keys ORDER BY made_at DESC LIMIT 1"
    )
    assert b"csrf_token" not in bytes(body)
    assert "cookie" not in headers.lower()


@every_fragment
def test_a_panel_sent_again_without_scripts_leads_to_a_page(client: FlaskClient, endpoint: str) -> None:
    person = Person(client, endpoint)
    person.send(HTMX)
    again = person.send()
    assert again.status_code == 303
    page = client.get(again.location, follow_redirects=True)
    assert SAID in words(page)
    assert "<main" in page.text


@every_fragment
def test_a_form_sent_again_by_htmx_leads_to_a_page(client: FlaskClient, endpoint: str) -> None:
    person = Person(client, endpoint)
    first = person.send()
    again = person.send(HTMX)
    assert (again.status_code, again.headers["HX-Redirect"]) == (200, first.location)
    assert SAID in words(client.get(first.location))


def test_the_same_form_with_other_fields_is_another_act(client: FlaskClient) -> None:
    person = Person(client, "credits.create")
    locations = {person.send(serial_number=serial).location for serial in ("A", "B", "A")}
    assert len(locations) == 2
    assert len(list_events().items) == 2


def test_the_same_form_with_another_file_is_another_import(client: FlaskClient) -> None:
    person = Person(client, "imports.receive")
    person.send()
    person.send(file=(io.BytesIO(b'[{"project_name": "other"}]'), "rows.json"))
    assert len(imports.list_imports()) == 2


def test_a_form_from_before_there_were_keys_still_works(client: FlaskClient) -> None:
    page = client.get("/credits/new")
    answer = submit(client, page, "/credits/new", fields={**a_credit(), FIELD: None})
    assert answer.status_code == 303
    assert len(list_events().items) == 1


def test_a_key_that_no_page_of_ours_has_is_refused(client: FlaskClient) -> None:
    page = client.get("/credits/new")
    answer = submit(client, page, "/credits/new", fields={**a_credit(), FIELD: "\x00"})
    assert answer.status_code == 422
    assert list_events().items == []


def test_each_time_a_page_is_shown_its_form_has_another_key(client: FlaskClient) -> None:
    keys = {form_of(client.get("/credits/new"), "/credits/new").values[FIELD][0] for _ in range(3)}
    assert len(keys) == 3


def test_a_form_that_was_refused_can_be_put_right_and_sent_again(client: FlaskClient) -> None:
    person = Person(client, "credits.create")
    assert person.send(vintage="1066").status_code == 422
    assert person.send().status_code == 303


def test_a_form_of_another_session_gets_no_answer_without_its_token(
    ledger_app: Flask, client: FlaskClient
) -> None:
    person = Person(client, "credits.create")
    person.send()
    person.client = ledger_app.test_client()
    assert person.send().status_code == 403


def lose_a_race() -> None:
    """Do what the database refuses whoever was overtaken."""

    def act(connection: Connection) -> None:
        for _ in range(2):
            connection.execute(text("INSERT INTO registries (registry_key, name) VALUES ('x', 'X')"))

    transact(act)


def test_what_is_said_is_said_once_although_the_act_was_run_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def flash_and_lose(message: str, category: str) -> None:
        flash(message, category)
        attempts.append(message)
        if len(attempts) == 1:
            lose_a_race()

    monkeypatch.setattr("webapp.web.corrections.flash", flash_and_lose)
    answer = Person(client, "corrections.cancel").send()
    assert len(attempts) == 2
    assert words(client.get(answer.location)).count(attempts[0]) == 1
    assert len(list_events().items) == 2


def test_what_was_not_committed_is_not_said(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(client, "corrections.cancel")
    monkeypatch.setattr("webapp.ledger.keys._keep", _fail)
    assert person.send().status_code == 500
    monkeypatch.undo()
    assert "Cancelled." not in words(client.get("/"))
    assert len(list_events().items) == 1


def _fail(*_: object) -> None:
    raise LookupError("the disk is full, say")


def test_a_file_is_read_whole_when_it_is_received_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []
    receive_file = imports.receive

    def overtaken(content: bytes, filename: str, actor: str) -> int:
        attempts.append(len(content))
        if len(attempts) == 1:
            lose_a_race()
        return receive_file(content, filename, actor)

    monkeypatch.setattr(imports, "receive", overtaken)
    assert Person(client, "imports.receive").send().status_code == 303
    assert len(attempts) == 2
    assert attempts[0] == attempts[1] > 0


def test_an_act_that_came_too_late_is_refused_under_its_key_as_well(client: FlaskClient) -> None:
    person = Person(client, "acts.retire")
    retire_credit(person.action.split("/")[2], {}, LOCAL)
    assert [person.send().status_code for _ in range(2)] == [409, 409]
