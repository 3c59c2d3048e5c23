"""Errors of the API as problem details (RFC 9457)."""

from typing import Final

import msgspec
from flask import Response

from webapp.answers import ErrorAnswer
from webapp.domain.errors import InvalidFields

API_PATHS: Final = frozenset({"records", "register", "events", "openapi.json", "healthz"})


def is_api_path(path: str) -> bool:
    """Say whether an address belongs to the API, whose errors are JSON."""
    return path.strip("/").partition("/")[0] in API_PATHS


def render(answer: ErrorAnswer) -> Response:
    """Return the problem document of an error."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": answer.title,
        "status": int(answer.status),
        "detail": answer.detail,
    }
    if isinstance(answer.refusal, InvalidFields):
        body["errors"] = [
            {"field": problem.field, "message": problem.message}
            for problem in answer.refusal.problems
        ]
    return Response(
        msgspec.json.encode(body), answer.status, content_type="application/problem+json"
    )
