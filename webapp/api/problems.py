"""Errors of the API as problem details (RFC 9457)."""

from typing import Final

from flask import Response, url_for

from webapp.answers import ErrorAnswer
from webapp.api.encoding import answer as encode_answer
from webapp.domain.errors import (
    ActNotAllowed,
    CursorMismatch,
    InvalidFields,
    Refusal,
    SerialHeld,
    TooManyRows,
)

API_PATHS: Final = frozenset({"records", "register", "events", "openapi.json", "healthz"})
MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "about:blank"  # the title says no more than the HTTP status does
_SPELLED_OUT_MAX: Final = 5


def is_api_path(path: str) -> bool:
    """Say whether an address belongs to the API, whose errors are JSON."""
    return path.strip("/").partition("/")[0] in API_PATHS


def render(answer: ErrorAnswer) -> Response:
    """Return the problem document of an error."""
    body: dict[str, object] = {
        "type": TYPE,
        "title": answer.title,
        "status": int(answer.status),
        "detail": _detail(answer),
        **_facts(answer.refusal),
    }
    return encode_answer(body, answer.status, content_type=MEDIA_TYPE)


def _detail(answer: ErrorAnswer) -> str:
    match answer.refusal:
        case InvalidFields(problems=problems) if len(problems) > _SPELLED_OUT_MAX:
            return f"{len(problems)} fields are not accepted; `errors` says why."
        case InvalidFields(problems=problems):
            return " ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
        case _:
            return answer.detail


def _facts(refusal: Refusal | None) -> dict[str, object]:
    """Return what the refusal knows, for programs. `status` is taken: it is the HTTP status."""
    match refusal:
        case InvalidFields():
            return {"errors": [{"field": p.field, "message": p.message} for p in refusal.problems]}
        case CursorMismatch():
            return {"errors": [{"field": "cursor", "message": str(refusal)}]}
        case SerialHeld():
            return {"holder": refusal.holder, "holder_url": _record_url(refusal.holder)}
        case ActNotAllowed():
            return {
                "record_status": refusal.status,
                "since": refusal.since,
                "record_url": _record_url(refusal.credit_id),
            }
        case TooManyRows():
            return {"rows_max": refusal.limit}
        case _:
            return {}


def _record_url(credit_id: str) -> str:
    return url_for("api_records.get_record", record_id=credit_id)
