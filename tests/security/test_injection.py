"""Hostile text stays text in SQL, headers and file names."""

import json
import re
from itertools import product
from pathlib import Path
from urllib.parse import quote

from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit, recorded
from tests.web.pages import receive
from webapp.config import ROOT
from webapp.ledger import summaries

SQL = (
    "' OR '1'='1",
    "VCS' --",
    "'; DROP TABLE credits; --",
    "x' UNION SELECT body FROM events --",
    "%",
    "_",
    "\\",
    '"',
    "* OR a",
    'NEAR("VCS" "Mangrove")',
    "project_name:Mangrove",
    "$1",
    ":name",
    "%(name)s",
    "{}",
)
FILTERS = ("registry", "serial", "q")
FILTERS_OF_PAGES = ("registry", "q")
LINES = ("a\r\nX-Injected: 1", "a\nSet-Cookie: x=1", "a\r\n\r\n<script>alert(1)</script>")
OURS = (
    ".git/HEAD",
    ".git/config",
    "wsgi.py",
    "requirements.txt",
    "instance/secret_key",
    "instance/ledger.sqlite3",
    "webapp/config.py",
    "etc/passwd",
)
WAYS = (
    "/{}",
    "/static/{}",
    "/static/../{}",
    "/static/%2e%2e/{}",
    "/static/..%2f{}",
    "/static//{}",
    "/static/vendor/../../{}",
)


def words_of(text: str) -> set[str]:
    """Return the words of a text as the search splits them."""
    return set(re.sub(r"[-.,/()_:'\u2013]", " ", text.lower()).split())


def test_sql_in_a_filter_finds_only_what_has_that_text(client: FlaskClient) -> None:
    held = {f"own {text} own": recorded(serial_number=f"own {text} own", vintage="2022") for text in SQL}
    held["VCS-0001"] = recorded(serial_number="VCS-0001")
    for name, text in product(FILTERS, SQL):
        answer = client.get("/records", query_string={name: text, "limit": "500"})
        assert answer.status_code == 200
        found = {item["id"] for item in answer.json["items"]}  # type: ignore[index]
        others = "VCS Mangrove Restoration Project " if name == "q" else ""
        allowed = {held[serial] for serial in held if words_of(text) <= words_of(others + serial)}
        assert found <= allowed, (name, text)
    for name, text in product(FILTERS_OF_PAGES, SQL):
        assert client.get("/credits", query_string={name: text}).status_code == 200
    assert summaries.ledger_totals().ledger.all.credits == 1 + len(SQL)


def test_sql_in_a_cursor_is_refused(client: FlaskClient) -> None:
    for address, text in product(("/records", "/events", "/records/imports", "/credits", "/activity"), SQL):
        assert client.get(address, query_string={"cursor": text}).status_code == 422, (address, text)


def test_a_line_break_never_reaches_a_header(client: FlaskClient) -> None:
    credit_id = recorded()
    for text in LINES:
        rows = json.dumps([a_credit(registry=text)])
        answers = [
            client.get(f"/credits/{quote(text)}"),
            client.post(f"/records/{quote(text)}/sell", json={}),
            client.get("/credits", query_string={"q": text, "cursor": text}),
            client.get(f"/credits/{credit_id}/sell", headers={"HX-Current-URL": quote(text)}),
            client.post("/records/imports", data=rows, content_type="application/json"),
        ]
        for answer in answers:
            assert "X-Injected" not in answer.headers
            assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if "x=1" in cookie]
            assert answer.status_code < 500


def test_no_file_of_the_program_or_its_history_can_be_read(client: FlaskClient) -> None:
    for way, path in product(WAYS, OURS):
        assert client.get(way.format(path)).status_code == 404, (way, path)


def test_a_file_that_is_sent_is_never_kept_as_a_file(client: FlaskClient) -> None:
    before = _files()
    address = receive(client, [a_credit()], filename="../../static/shell.py")
    assert client.get(address).status_code == 200
    assert _files() == before
    assert client.get("/static/shell.py").status_code == 404


def _files() -> set[Path]:
    return {
        path
        for folder in ("static", "templates", "webapp")
        for path in (ROOT / folder).rglob("*")
        if path.suffix != ".pyc"
    }
