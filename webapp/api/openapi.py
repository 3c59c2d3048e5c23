"""The OpenAPI document, and the page to read and try the API.

The document is made from the routes, their operations (``operations``) and the schemas (``schemas``).
Only what is common to several operations is stated here.
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
from webapp.api import operations, problems, query_parameters, schemas
from webapp.api.etags import IF_MATCH
from webapp.api.operation import OPERATIONS, Answer, Body, Operation, describes, reference
from webapp.api.serializers import json_response
from webapp.authorization import allows
from webapp.http import session_cookie
from webapp.idempotency import HIT_HEADER, KEY_HEADER, KEY_LENGTH_MAX
from webapp.ledger.idempotency_store import RETENTION
from webapp.version import RELEASED, VERSION

api = Blueprint("api_openapi", __name__)

INTRODUCTION: Final = """\
A ledger of carbon credits. A *record* is one immutable batch of credits. Its status follows from its
events, which are only appended. An action on a part of a record splits it into *lots*, which are records.

Creating and importing are safe to repeat, because equal input gives an equal id. Every other write is safe
to repeat with an `Idempotency-Key`: it is done once, and each repeat returns the first result.
Errors are problem details (RFC 9457). Unknown fields and unknown query parameters are errors.
"""
_EXTENSION: Final = "openapi"

# Errors by kind of operation. Each sentence is also the example of `detail`.
_NEEDS_ROLE: Final = {
    HTTPStatus.UNAUTHORIZED: "There is no token and nobody is signed in; or the token is mistyped, expired "
    "or revoked.",
    HTTPStatus.FORBIDDEN: "The role does not allow it; or there is no account yet, and the request does not "
    "come from this machine.",
}
_ALWAYS: Final = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error in this program.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is locked, unavailable or not migrated. Try again later.",
}
_WRITES: Final = {
    HTTPStatus.FORBIDDEN: "The role does not allow it; the write comes from a page of another site; it has "
    "a session but no X-CSRFToken; or there is no account yet, and the request does not come from this "
    "machine.",
    HTTPStatus.LENGTH_REQUIRED: "The body has no Content-Length.",
}
_BODIES: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body has another media type.",
}
_FIELDS: Final = {HTTPStatus.UNPROCESSABLE_ENTITY: "Fields or parameters are not valid."}
_MOVED: Final = {
    HTTPStatus.PRECONDITION_FAILED: "The record has changed; `seq` is the number of its last event."
}
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API token. An administrator creates it.",
}
_SESSION: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": session_cookie.COOKIE,
    "description": "The session of a user who signed in on the pages. Over TLS the name of the cookie is "
    f"`{session_cookie.COOKIE_OVER_TLS}`. A write also needs the page's token in the header X-CSRFToken.",
}
_CHALLENGE: Final = {
    "WWW-Authenticate": {
        "description": "Bearer, with the error of the token if one was sent.",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "The number of seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_REPLAY: Final = {
    HIT_HEADER: {
        "description": "A request with the same key was done before. The answer is its result, and nothing "
        "was done again.",
        "schema": {"type": "string", "const": "true"},
    }
}
_ETAG: Final[dict[str, Any]] = {"type": "string", "pattern": '^"[1-9][0-9]*"$'}
_KEY_PARAMETER: Final = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "A text of the client's choice, a new one for each request. The request is then done "
    f"once: a repeat with the same key within {RETENTION // timedelta(hours=1)} hours returns the result of "
    "the first. Only successes are stored, so a request that failed can be corrected and sent with the same "
    "key. The key of a successful request is refused for any other request (422).",
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
    "description": "The `ETag` of the record as last read. If the record has changed since, nothing is "
    "done (412).",
    "schema": {**_ETAG, "pattern": r'^(\*|"[1-9][0-9]*")$', "examples": ['"1"', "*"]},
}


@api.get("/openapi.json")
@describes(operations.GET_OPENAPI)
@allows(Role.VIEWER)
def get_openapi() -> Response:
    return json_response(_document())


@api.get("/docs")
@describes(operations.SHOW_DOCS)
@allows(Role.VIEWER)
def show_docs() -> str:
    return render_template("docs.html", operations=_outline(_document()))


def _document() -> dict[str, Any]:
    """Return the document of this application, built at the first request for it."""
    extensions = current_app.extensions
    if _EXTENSION not in extensions:
        extensions[_EXTENSION] = build(current_app)
    document: dict[str, Any] = extensions[_EXTENSION]
    return document


def build(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    spec = APISpec(
        title="The JSON API",
        version=VERSION,
        openapi_version="3.1.0",
        info={
            "x-release-date": RELEASED,
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
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
        path = re.sub("<(?:[^:<>]*:)?([a-z_]+)>", r"{\1}", rule.rule)
        role = authorization.required_role(app.view_functions[rule.endpoint])
        spec.path(path, operations={method.lower(): _operation(operation, rule, method, role)})
    return spec.to_dict()


def _operation(operation: Operation, rule: Rule, method: str, role: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation, method, role),
    }
    if role != authorization.EVERYONE:
        described["security"] = [{"token": []}, {"session": []}]
    described["description"] = " ".join(filter(None, [operation.description, _role_text(role)]))
    parameters = [_in_path(name, operation) for name in sorted(rule.arguments)]
    parameters += [_in_query(parameter) for parameter in operation.query]
    parameters += [_KEY_PARAMETER] if method == "POST" else []
    parameters += [_IF_MATCH_PARAMETER] if operation.takes_if_match else []
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = _request_body(operation.body)
    if rule.endpoint.endswith("_by_older_name"):
        described["deprecated"] = True
        described["description"] = "An older name of `POST /records`, kept for existing scripts."
    return described


def _role_text(role: str | None) -> str:
    return "For everyone." if role == authorization.EVERYONE else f"For the role {role} and above."


def _responses(operation: Operation, method: str, role: str | None) -> dict[str, Any]:
    responses = {str(int(status)): _answer(given, method) for status, given in operation.answers.items()}
    expected = dict(_ALWAYS)
    if role != authorization.EVERYONE:
        expected |= _NEEDS_ROLE
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
    schema = reference(given.schema.__name__) if given.schema else {"type": "string"}
    described: dict[str, Any] = {
        "description": given.description,
        "content": {given.media_type: {"schema": schema}},
    }
    headers: dict[str, Any] = dict(_REPLAY) if method == "POST" else {}
    if given.has_location:
        where = {"type": "string", "format": "uri-reference"}
        headers["Location"] = {"description": "The URL of the result.", "schema": where}
    if given.has_etag:
        headers["ETag"] = {
            "description": "The number of the record's last event, in quotes.",
            "schema": _ETAG,
        }
    if headers:
        described["headers"] = headers
    return described


def _problem(operation: Operation, status: HTTPStatus, when: str) -> dict[str, Any]:
    if status is HTTPStatus.REQUEST_URI_TOO_LONG:  # the server answers, before the application
        return {"description": when, "content": {"text/plain": {"schema": {"type": "string"}}}}
    kinds = [kind.__name__ for kind in _problem_schemas(operation, status)]
    example = {
        "type": problems.TYPE,
        "title": status.phrase,
        "status": int(status),
        "detail": when,
        "request_id": "1a2b3c4d5e6f7a8b",
        **schemas.PROBLEM_EXAMPLES.get(kinds[0], {}),
    }
    references = [reference(kind) for kind in kinds]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    described: dict[str, Any] = {
        "description": when,
        "content": {problems.MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        described["headers"] = _RETRY_AFTER
    if status is HTTPStatus.UNAUTHORIZED:
        described["headers"] = _CHALLENGE
    return described


def _problem_schemas(operation: Operation, status: HTTPStatus) -> tuple[type[schemas.Problem], ...]:
    match status:
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return (schemas.InvalidFields,)
        case HTTPStatus.PRECONDITION_FAILED:
            return (schemas.RecordMoved,)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE if operation.tag == "Imports":
            return (schemas.TooManyRows,)
        case HTTPStatus.CONFLICT if operation.conflicts:
            return operation.conflicts
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return (operation.unavailable,)
        case _:
            return (schemas.Problem,)


def _in_path(name: str, operation: Operation) -> dict[str, Any]:
    schema = dict(operation.path.get(name, {"type": "string"}))
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(parameter: query_parameters.Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.description,
        "allowEmptyValue": True,  # an empty value counts as missing
        "schema": dict(parameter.schema),
    }


def _request_body(body: Body) -> dict[str, Any]:
    content = {kind: {"schema": dict(schema)} for kind, schema in body.content.items()}
    if body.example is not None:
        for media in content.values():
            media["example"] = body.example  # type: ignore[assignment]
    return {"required": body.required, "content": content}


def _outline(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the method, path and summary of every operation, shown where JavaScript is off."""
    return [
        (method.upper(), path, operation["summary"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
