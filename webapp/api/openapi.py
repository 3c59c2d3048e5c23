"""The description of the API: the OpenAPI document, and the page to read and try it.

It is made from the routes, from what their views say of themselves (``operations``) and from the
tables of fields (``schemas``); nothing about an operation is written here.
"""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from apispec import APISpec
from flask import Blueprint, Flask, Response, current_app, render_template
from werkzeug.routing import Rule

from webapp import authorization
from webapp.accounts.roles import Role
from webapp.api import problems, query_parameters, schemas
from webapp.api.etags import IF_MATCH
from webapp.api.operations import OPERATIONS, Answer, Body, Operation, describes
from webapp.api.serializers import json_response
from webapp.authorization import allows
from webapp.http import session_cookie
from webapp.idempotency import HIT_HEADER, KEY_HEADER, KEY_LENGTH_MAX
from webapp.ledger.idempotency_store import RETENTION

api = Blueprint("api_openapi", __name__)

VERSION: Final = "1.0.0"
INTRODUCTION: Final = """\
A ledger of carbon credits. A *record* is one immutable batch of credits; its status follows from its
events, which are only ever appended. An act on a part of it splits it into *lots*, which are records.

Creating and importing can be sent again without harm, because the same input always gives the same id.
Any write that carries an `Idempotency-Key` can be: it is done once, and its repeats show what it came to.
Errors are problem details (RFC 9457). Unknown fields and unknown query parameters are refused.
"""
_EXTENSION: Final = "openapi"

# What a route that is not for everybody answers to whoever may not use it.
_DEMANDING: Final = {
    HTTPStatus.UNAUTHORIZED: "No token was sent and nobody is signed in; or the token is mistyped, expired "
    "or revoked.",
    HTTPStatus.FORBIDDEN: "The role does not allow it; or there is no account yet, and the request is not "
    "from this machine.",
}
_ALWAYS: Final = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of this program.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is locked, away or not migrated. Try again later.",
}
_WRITES: Final = {
    HTTPStatus.FORBIDDEN: "The role does not allow it; the write came from a page of another site; it has a "
    "session without its X-CSRFToken; or there is no account yet, and the request is not from this machine.",
    HTTPStatus.LENGTH_REQUIRED: "The body has no Content-Length.",
}
_BODIES: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of another type.",
}
_FIELDS: Final = {HTTPStatus.UNPROCESSABLE_ENTITY: "Fields or parameters break their rules."}
_MOVED: Final = {HTTPStatus.PRECONDITION_FAILED: "The record has changed; `seq` is its last event now."}
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API token, which an administrator makes. It needs nothing else.",
}
_SESSION: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": session_cookie.COOKIE,
    "description": "Somebody who is signed in on the pages; over TLS the cookie is called "
    f"`{session_cookie.COOKIE_OVER_TLS}`. A write needs the page's token in the header X-CSRFToken too.",
}
_CHALLENGE: Final = {
    "WWW-Authenticate": {
        "description": "Bearer, and what is wrong with the token.",
        "schema": {"type": "string"},
    }
}
_MAY_RETRY: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
_MAY_BE_A_REPEAT: Final = {
    HIT_HEADER: {
        "description": "This repeats a request of the same key and shows what that one came to; "
        "nothing was done again.",
        "schema": {"type": "string", "const": "true"},
    }
}
_TAG: Final[dict[str, Any]] = {"type": "string", "pattern": '^"[1-9][0-9]*"$'}
_KEY_PARAMETER: Final = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "Any text of your own, another for each request. The request is then done once: sent "
    f"again with the same key within {RETENTION // timedelta(hours=1)} hours, it shows what the first did. "
    "Only successes are kept, so a request that was refused can be put right under its key. "
    "With another request the key is refused (422).",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_LENGTH_MAX,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
_IF_MATCH_PARAMETER: Final = {
    "name": IF_MATCH,
    "in": "header",
    "description": "The `ETag` of the record as you have seen it: nothing is done if it has changed since.",
    "schema": {**_TAG, "pattern": r'^(\*|"[1-9][0-9]*")$', "examples": ['"1"', "*"]},
}


@api.get("/openapi.json")
@describes(
    Operation(
        tag="Service",
        summary="Read this document",
        answers={HTTPStatus.OK: Answer("The OpenAPI document.", "OpenAPI")},
    )
)
@allows(Role.VIEWER)
def get_openapi() -> Response:
    return json_response(current_app.extensions[_EXTENSION])


@api.get("/docs")
@describes(
    Operation(
        tag="Service",
        summary="Read and try the API in a browser",
        answers={
            HTTPStatus.OK: Answer("A page.", media_type="text/html"),
            HTTPStatus.SEE_OTHER: Answer("Nobody is signed in: `Location` is where.", media_type="text/html"),
        },
    )
)
@allows(Role.VIEWER)
def show_docs() -> str:
    return render_template("docs.html", operations=_outline(current_app.extensions[_EXTENSION]))


def install(app: Flask) -> None:
    """Describe every operation that the application has by now."""
    app.extensions[_EXTENSION] = build(app)


def build(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    spec = APISpec(
        title="The JSON API",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": INTRODUCTION, "license": {"name": "MIT", "identifier": "MIT"}},
    )
    spec.components.security_scheme("token", _TOKEN)
    spec.components.security_scheme("session", _SESSION)
    for name, schema in schemas.components().items():
        spec.components.schema(name, schema)
    for rule in app.url_map.iter_rules():
        operation = OPERATIONS.get(app.view_functions[rule.endpoint])
        if operation is None:
            continue
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        path = re.sub("<([a-z_]+)>", r"{\1}", rule.rule)
        demand = authorization.required_role(app.view_functions[rule.endpoint])
        spec.path(path, operations={method.lower(): _described(operation, rule, method, demand)})
    return spec.to_dict()


def _described(operation: Operation, rule: Rule, method: str, demand: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation, method, demand),
    }
    if demand != authorization.EVERYONE:
        described["security"] = [{"token": []}, {"session": []}]
    described["description"] = " ".join(filter(None, [operation.description, _security_of(demand)]))
    parameters = [_in_path(name) for name in sorted(rule.arguments)]
    parameters += [_in_query(parameter) for parameter in operation.query]
    parameters += [_KEY_PARAMETER] if method == "POST" else []
    parameters += [_IF_MATCH_PARAMETER] if operation.takes_if_match else []
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = _request_body(operation.body)
    if rule.endpoint.endswith("_by_older_name"):
        described["deprecated"] = True
        described["description"] = "The same as `POST /records`: an older name, still in scripts."
    return described


def _security_of(demand: str | None) -> str:
    return "For everyone." if demand == authorization.EVERYONE else f"For the role {demand} or more."


def _responses(operation: Operation, method: str, demand: str | None) -> dict[str, Any]:
    responses = {str(int(status)): _answer(given, method) for status, given in operation.answers.items()}
    expected = dict(_ALWAYS)
    if demand != authorization.EVERYONE:
        expected |= _DEMANDING
    if method == "POST":
        expected |= _WRITES
    if operation.body:
        expected |= _BODIES
    if operation.tag != "Service":
        expected |= _FIELDS
    if operation.takes_if_match:
        expected |= _MOVED
    expected |= operation.problems
    for status, when in sorted(expected.items()):
        responses[str(int(status))] = _problem(operation, status, when)
    return responses


def _answer(given: Answer, method: str) -> dict[str, Any]:
    schema = _reference(given.schema) if given.schema else {"type": "string"}
    described: dict[str, Any] = {
        "description": given.description,
        "content": {given.media_type: {"schema": schema}},
    }
    headers: dict[str, Any] = dict(_MAY_BE_A_REPEAT) if method == "POST" else {}
    if given.has_location:
        where = {"type": "string", "format": "uri-reference"}
        headers["Location"] = {"description": "Where it is.", "schema": where}
    if given.has_etag:
        headers["ETag"] = {"description": "The number of the record's last event.", "schema": _TAG}
    if headers:
        described["headers"] = headers
    return described


def _problem(operation: Operation, status: HTTPStatus, when: str) -> dict[str, Any]:
    kinds = _problem_schemas(operation, status)
    example = {
        "type": problems.TYPE,
        "title": status.phrase,
        "status": int(status),
        "detail": when,
        **schemas.PROBLEM_EXAMPLES.get(kinds[0], {}),
    }
    references = [_reference(kind) for kind in kinds]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    described: dict[str, Any] = {
        "description": when,
        "content": {problems.MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        described["headers"] = _MAY_RETRY
    if status is HTTPStatus.UNAUTHORIZED:
        described["headers"] = _CHALLENGE
    return described


def _problem_schemas(operation: Operation, status: HTTPStatus) -> tuple[str, ...]:
    match status:
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return ("InvalidFields",)
        case HTTPStatus.PRECONDITION_FAILED:
            return ("RecordMoved",)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE if operation.tag == "Imports":
            return ("TooManyRows",)
        case HTTPStatus.CONFLICT if operation.conflicts:
            return operation.conflicts
        case _:
            return ("Problem",)


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(parameter: query_parameters.Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "allowEmptyValue": True,  # an empty one counts as missing
        "schema": dict(parameter.schema),
    }


def _request_body(body: Body) -> dict[str, Any]:
    content = {kind: {"schema": dict(schema)} for kind, schema in body.content.items()}
    if body.example is not None:
        for media in content.values():
            media["example"] = body.example  # type: ignore[assignment]
    return {"required": body.required, "content": content}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _outline(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return method, path and summary of every operation, for a page without JavaScript."""
    return [
        (method.upper(), path, operation["summary"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
