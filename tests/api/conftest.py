"""A test client that checks every response against the OpenAPI document of the application.

A test fails if a response has a status, a media type or a body that the document does not allow, lacks a
header that the document promises, or sets a cookie.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.fixtures.ledger import LedgerClient, MakeDatabase, opened, settings_for
from webapp import create_app
from webapp.api import openapi
from webapp.imports import views
from webapp.ledger.listing import list_events

PROBLEM: Final = "application/problem+json"
# Headers that are described, but are not in every response.
SOMETIMES: Final = {"Retry-After", "Idempotency-Hit"}
# The responses to a URL or method that no operation has.
NO_OPERATION: Final = {
    str(status): {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status in (403, 404, 405, 411)
}


class DescribedClient(LedgerClient):
    """A test client that checks every response against the document."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:  # noqa: ANN401 - as it is in Flask
        answer = super().open(*args, **kwargs)
        assert "Set-Cookie" not in answer.headers
        if answer.request.method != "OPTIONS":
            _check(answer, self.application)
        return answer


@cache
def document() -> dict[str, Any]:
    """Return the API's document, which is the same for every application."""
    return openapi.build(create_app(settings_for("sqlite:///never-opened.sqlite3")))


def _check(answer: TestResponse, app: Flask) -> None:
    described = _answers(answer, app).get(str(answer.status_code))
    assert described, f"{answer.request.method} {answer.request.path}: {answer.status} is not described"
    kind = answer.mimetype or ""
    media = described["content"].get(kind)
    assert media, f"{kind} is not described, only {list(described['content'])}"
    promised = set(described.get("headers", {})) - SOMETIMES
    assert promised <= set(answer.headers.keys())
    if kind.endswith("json") and answer.request.method != "HEAD":
        assert_valid(exact(answer), media["schema"], document())


def _answers(answer: TestResponse, app: Flask) -> Mapping[str, Any]:
    method = answer.request.method.lower()
    try:
        rule, _ = app.url_map.bind("localhost").match(
            answer.request.path, method=method.upper(), return_rule=True
        )
    except HTTPException:
        return NO_OPERATION
    path = re.sub("<([a-z_]+)>", r"{\1}", rule.rule)
    operations: Mapping[str, Any] = document()["paths"][path]
    found: Mapping[str, Any] = operations["get" if method == "head" else method]["responses"]
    return found


def assert_valid(value: object, schema: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Fail if the value does not match the schema, which may refer to schemas of the document."""
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not errors, errors


def exact(answer: TestResponse) -> Any:  # noqa: ANN401 - JSON can be anything
    """Return the JSON body, with decimal numbers as exact Decimals."""
    return json.loads(answer.data, parse_float=Decimal)


def record_in(answer: TestResponse) -> dict[str, Any]:
    """Return the record in the answer to a write, without the message beside it."""
    return {name: value for name, value in exact(answer).items() if name != "message"}


def fields_of(answer: TestResponse) -> set[str]:
    """Return the fields that the problem document of a 422 names."""
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in exact(answer)["errors"]}


@pytest.fixture(scope="module")
def empty_api(make_module_database: MakeDatabase) -> Iterator[FlaskClient]:
    """Return a client for tests that record nothing. They share one ledger and leave it empty.

    It is on SQLite: what is refused never reaches a database.
    """
    with opened(make_module_database("sqlite")) as app:
        app.test_client_class = DescribedClient
        yield app.test_client()
        assert list_events().items == []
        assert views.list_imports() == []


@pytest.fixture
def api(ledger_app: Flask) -> FlaskClient:
    """Return a client of the API on an empty ledger."""
    ledger_app.test_client_class = DescribedClient
    return ledger_app.test_client()
