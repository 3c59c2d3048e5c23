"""Uploads: a file is checked and previewed, or refused with a reason."""

import io
import json

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.forms import form_of, parse, submit
from tests.imports.test_workbook import lines, workbook_of
from tests.web.pages import HOSTILE, dangers, links, part, receive, words
from webapp.config import MAX_BODY_BYTES
from webapp.http.request_security import FORM_AROUND_BYTES
from webapp.imports import import_facts, views
from webapp.imports.background.limits import Limits
from webapp.ledger import summaries

ROW = {"project_name": "Wind Farm", "registry": "VCS", "vintage": 2020, "quantity": 1.5}


def send(client: FlaskClient, content: bytes, filename: str = "credits.json") -> TestResponse:
    page = client.get("/imports/new")
    return submit(client, page, "/imports/new", file=(io.BytesIO(content), filename))


def said_of_file(page: TestResponse) -> str:
    return words(part(page, "file-error"))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([ROW]).encode(),
        json.dumps({"made_by": "us", "credits": [ROW]}).encode(),
        json.dumps(ROW).encode() + b"\n" + json.dumps(ROW | {"vintage": 2021}).encode(),
        b"\xef\xbb\xbf" + json.dumps([ROW]).encode(),
        b"project_name;registry;vintage;quantity\nWind Farm;VCS;2020;1,5\n",
        workbook_of(lines([*ROW], [*ROW.values()])),
    ],
    ids=["array", "object", "lines", "byte-order mark", "CSV", "workbook"],
)
def test_a_file_of_each_accepted_shape_leads_to_its_preview(client: FlaskClient, content: bytes) -> None:
    page = client.get(send(client, content).headers["Location"])
    assert "Nothing is recorded yet" in words(page)


def test_the_page_shows_a_short_example_that_is_accepted_as_it_stands(client: FlaskClient) -> None:
    page = client.get("/imports/new")
    example = next(parse(page.text).find_all("pre")).text
    address = receive(client, example.encode())
    assert "Record 1 row" in words(client.get(address))


def test_the_page_names_the_limits(client: FlaskClient) -> None:
    assert "at most 1,000,000 rows and 512 MB" in words(client.get("/imports/new"))


def test_a_form_without_a_file_says_so(client: FlaskClient) -> None:
    answer = submit(client, client.get("/imports/new"), "/imports/new")
    assert answer.status_code == 422
    assert said_of_file(answer) == "Choose a file."


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"", 400, "This file is empty."),
        (b"[]", 400, "There are no rows in this file."),
        (b"Wind Farm;VCS;2020", 400, "it has nothing but a line of headers."),
        (b"<html></html>", 415, "web page"),
        (b'[{"vintage": 2020,}]', 400, "at line 1, column"),
        (b'[{"vintage": 2020}', 400, "The file is cut off"),
        (b"\x1f\x8b\x08\x00", 415, "This is a gzip file."),
        (b"PK\x03\x04\x14", 400, "This file is damaged or not complete."),
        (b"%PDF-1.4", 415, "PDF"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_file_that_cannot_be_read_is_refused_beside_the_field(
    client: FlaskClient, content: bytes, status: int, sentence: str
) -> None:
    answer = send(client, content)
    assert answer.status_code == status
    assert sentence in said_of_file(answer)
    assert views.list_imports() == []


def test_a_refused_file_is_named_and_another_can_be_chosen_at_once(client: FlaskClient) -> None:
    answer = send(client, b"{", "mine.json")
    assert said_of_file(answer).startswith("mine.json: ")
    assert form_of(answer, "/imports/new").files == {"file"}


def test_a_file_over_the_limit_of_the_body_is_refused_on_a_page(client: FlaskClient) -> None:
    client.application.config["IMPORT_LIMITS"] = Limits(size_bytes=MAX_BODY_BYTES)
    body = b" " * (MAX_BODY_BYTES + FORM_AROUND_BYTES + 1)
    answer = client.post("/imports/new", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert "At most 17 MB are accepted" in words(answer)
    assert views.list_imports() == []


def test_bringing_a_file_writes_nothing_to_the_ledger(client: FlaskClient) -> None:
    receive(client, [ROW])
    assert summaries.ledger_totals().ledger.all.credits == 0


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\tb\u202e.json", "ab.json"),
        ("..", ".."),
    ],
)
def test_the_name_of_a_file_is_text_only(client: FlaskClient, given: str, shown: str) -> None:
    page = client.get(receive(client, [ROW], given))
    assert words(next(parse(page.text).find_all("h1"))) == shown


def test_hostile_names_of_files_are_inert(client: FlaskClient) -> None:
    for name in HOSTILE:
        sent = name.replace('"', "%22")  # as browsers send it
        address = receive(client, [ROW], sent)
        shown = import_facts.display_name(name)
        for page in (client.get(address), client.get("/imports"), send(client, b"[", sent)):
            assert shown in words(page)
            assert list(dangers(page)) == []


def test_the_address_of_the_page_that_takes_files_is_offered_everywhere(client: FlaskClient) -> None:
    assert links(client.get("/imports"))["Import a file"] == "/imports/new"
