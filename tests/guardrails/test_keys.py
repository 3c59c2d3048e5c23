"""No write can forget its key: neither a route nor a form."""

import re
from pathlib import Path

import pytest
from flask import Flask, request

from webapp import once
from webapp.config import ROOT
from webapp.gate import SAFE_METHODS
from webapp.kept import NEVER_KEPT, is_never_kept

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
POSTING = [path for path in TEMPLATES if re.search(r"<form[^>]*method=\"post\"", path.read_text("utf-8"))]

# Views whose request is done anew each time, key or not. Each says why where it is marked.
NEVER = {
    "account.password",
    "entry.set_up",
    "entry.sign_in",
    "entry.sign_out",
    "people.change_role",
    "people.disable",
    "people.enable",
    "people.new",
    "people.set_password",
    "tokens.revoke",
}


def test_every_route_that_writes_is_reached_through_the_one_place_that_keeps_answers(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []

    def see(_view: object) -> str:
        reached.append(request.endpoint or "")
        return "seen"

    monkeypatch.setattr(once, "dispatch", see)
    writing = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - SAFE_METHODS):
            arguments = dict.fromkeys(rule.arguments, 1)
            with app.test_request_context(method=method):
                path = app.url_map.bind("localhost").build(rule.endpoint, arguments, method)
            with app.test_request_context(path, method=method):
                assert app.dispatch_request() == "seen"
            writing.append(rule.endpoint)
    assert reached == writing
    assert len(writing) > 15


def test_the_exceptions_are_these_and_no_others(app: Flask) -> None:
    found = {endpoint for endpoint, view in app.view_functions.items() if is_never_kept(view)}
    assert found == NEVER
    assert all(len(why) > 10 for why in NEVER_KEPT.values())


@pytest.mark.parametrize("path", POSTING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_form_that_posts_carries_a_key(path: Path) -> None:
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text("utf-8"), flags=re.DOTALL)
    assert forms
    assert all(re.search(r"form_start\(|form_key\(", form) for form in forms)
