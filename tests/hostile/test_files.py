"""Files that cost more to read than to send are rejected at once, with the reason."""

import io
import json
import os
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit
from tests.fixtures.forms import submit
from tests.fixtures.server import Server
from tests.hostile.sockets import exchange, post
from tests.web.pages import words
from webapp.ledger.listing import list_events

MEGABYTE = 1_000_000
NO_OBJECT = "This is not an object with one array of credits in it."
ONE = json.dumps(a_credit()).encode()


def large(number: int) -> dict[str, tuple[bytes, str]]:
    """Return files of a size in proportion to the number, each with the reason for its rejection."""
    return {
        "open brackets": (b"[" * number, "Row 1: nested deeper than 32 levels."),
        "open objects": (b'{"a":' * number, NO_OBJECT),
        "arrays in an object": (b"{" + b",".join(b'"%d":[]' % n for n in range(number)) + b"}", NO_OBJECT),
        "a record": (b'[{"note": "' + b"a" * 6 * number + b'"}]', "Row 1 is longer than 200,000"),
        "an open text": (b'["' + b"\\\\" * 4 * number, "Row 1 is longer than 200,000"),
        "fields that no credit has": (
            json.dumps(
                [{f"f{n}": 0 for n in range(row, row + 1000)} for row in range(0, number, 1000)]
            ).encode(),
            "Row 6: there are more than 5,000 different names in this file.",
        ),
        "texts that are long when they are compared": (
            json.dumps(
                [a_credit(project_name="\ufdfa" * 300)] * (number // 400), ensure_ascii=False
            ).encode(),
            "in the form in which they are compared, the texts",
        ),
        "nothing but space": (b" " * number, "This file is empty."),
    }


BROKEN = {
    "an empty file": (b"", "This file is empty."),
    "a file cut off in the middle": (b"[" + ONE + b", " + ONE[:50], "The file is cut off in row 2."),
    "lines cut off in the middle": (ONE + b"\n" + ONE[:50], "Row 2: This is not valid JSON"),
    "gzip": (b"\x1f\x8b\x08" + b"\0" * 100, "This is a gzip file. Unpack it"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "This file is damaged or not complete."),
    "NaN in a row": (b"[" + ONE + b', {"quantity": NaN}]', "Row 2: NaN is not a JSON value."),
    "a key that stands twice": (b'[{"a": 1, "a": 2}]', 'Row 1: The key "a" occurs twice'),
}
# So large that the test client still keeps the form in memory.
FILES = large(40_000) | BROKEN


# Rejected before the database is used, so one database is enough.
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"])


@on_sqlite
@pytest.mark.parametrize(("content", "reason"), FILES.values(), ids=FILES)
def test_a_file_is_refused_with_the_row_and_the_reason_wherever_it_is_brought(
    ledger_app: Flask, client: FlaskClient, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    page = submit(client, client.get("/imports/new"), "/imports/new", file=(io.BytesIO(content), path.name))
    body = client.post("/records/imports", data=content, content_type="application/json")
    form = client.post("/records/imports", data={"file": (io.BytesIO(content), path.name)})
    command = ledger_app.test_cli_runner().invoke(args=["import", str(path)])
    assert {page.status_code, body.status_code, form.status_code} <= {400, 415}
    assert reason in words(page)
    assert reason in body.get_json()["detail"]
    assert reason in form.get_json()["detail"]
    assert reason in command.output
    assert command.exit_code == 1
    assert list_events().items == []
    assert client.get("/records/imports").get_json()["items"] == []


VALUES = {
    "NaN as text": ('"NaN"', "quantity"),
    "a number of 5000 digits": ("1" * 5000, "quantity"),
    "a number beyond all floats": ("1e400", "quantity"),
    "an exponent as text": ('"1e3000000"', "quantity"),
    "digits of another script": ('"\u0661\u0662"', "quantity"),
    "true": ("true", "quantity"),
    "half of a surrogate pair": ('"\\ud800"', "project_name"),
    "a null byte": ('"a\\u0000b"', "project_name"),
    "an object": ('{"a": 1}', "project_name"),
}


@on_sqlite
@pytest.mark.parametrize(("value", "field"), VALUES.values(), ids=VALUES)
def test_a_hostile_value_in_a_file_is_named_by_its_row_and_its_field(
    ledger_app: Flask, client: FlaskClient, tmp_path: Path, value: str, field: str
) -> None:
    whole = a_credit()
    bad = {name: json.dumps(text) for name, text in whole.items()} | {field: value}
    row = "{" + ", ".join(f'"{name}": {text}' for name, text in bad.items()) + "}"
    content = f"[{json.dumps(whole)}, {row}]".encode()
    path = tmp_path / "file.json"
    path.write_bytes(content)
    answer = client.post("/records/imports", data=content, content_type="application/json").get_json()
    assert [(problem["row"], problem["field"]) for problem in answer["problems"]] == [(2, field)]
    command = ledger_app.test_cli_runner().invoke(args=["import", str(path)])
    assert f"row 2, {field}: " in command.output
    shown = submit(client, client.get("/imports/new"), "/imports/new", file=(io.BytesIO(content), path.name))
    assert shown.status_code == 303
    assert answer["problems"][0]["message"] in words(client.get(shown.headers["Location"]))
    assert list_events().items == []


@on_sqlite
@pytest.mark.parametrize("value", ["null", "[]", '"x"', "7", "true", "[[]]"])
def test_a_row_that_is_no_object_is_named(client: FlaskClient, value: str) -> None:
    content = f"[{json.dumps(a_credit())}, {value}]"
    answer = client.post("/records/imports", data=content, content_type="application/json").get_json()
    assert [(problem["row"], problem["field"]) for problem in answer["problems"]] == [(2, "")]
    assert list_events().items == []


@on_sqlite
@pytest.mark.parametrize(
    "name", ["credits.csv", "credits.pdf", "credits.json.gz", "credits", "\u202egnp.json"]
)
def test_a_file_is_judged_by_what_is_in_it_and_not_by_its_name(client: FlaskClient, name: str) -> None:
    marked = b"\xef\xbb\xbf[" + ONE + b"]"
    answer = client.post("/records/imports", data={"file": (io.BytesIO(marked), name)})
    assert answer.get_json()["state"] == "done"
    assert answer.get_json()["written"] == 1


@on_sqlite
@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\\\etc\\\\passwd", "a/\0/passwd"])
def test_the_name_of_a_file_leads_nowhere(client: FlaskClient, name: str) -> None:
    for address in ("/records/imports", "/imports/new"):
        file = (io.BytesIO(b"[" + ONE + b"]"), name)
        if address == "/imports/new":
            submit(client, client.get(address), address, file=file)
        else:
            client.post(address, data={"file": file})
    kept = client.get("/records/imports").get_json()["items"]
    assert [item["filename"] for item in kept] == ["passwd", "passwd"]


def test_two_rows_with_one_serial_number_are_told_apart_by_row(client: FlaskClient) -> None:
    rows = [a_credit(), a_credit(vintage="2020")]
    answer = client.post("/records/imports", json=rows).get_json()
    assert answer["state"] == "failed"
    assert [(problem["row"], problem["field"]) for problem in answer["problems"]] == [(2, "serial_number")]
    assert list_events().items == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much a process had")
def test_no_file_makes_a_worker_large(server: Server) -> None:
    before = _peak_kb(server)
    for content, _ in large(MEGABYTE).values():
        exchange(server, post(b"/records/imports", content, b"Content-Length: %d\r\n" % len(content)))
    size = 200 * MEGABYTE
    exchange(server, post(b"/records", b"[" * MEGABYTE, b"Content-Length: %d\r\n" % size))
    exchange(server, post(b"/records/imports", b"[" * MEGABYTE, b"Content-Length: %d\r\n" % size))
    assert _peak_kb(server) - before < 250_000


def _peak_kb(server: Server) -> int:
    """Return the most memory that any worker ever had."""
    peaks = []
    for pid in server.workers():
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(status.partition("VmHWM:")[2].split()[0]))
    assert os.getpid() not in server.workers()
    return max(peaks)
