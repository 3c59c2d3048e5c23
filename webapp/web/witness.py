"""The witness of other logs: cosigns their checkpoints (C2SP tlog-witness).

Its answers are those of that protocol, as text.
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request

from webapp.authorization import allows_everyone, needs_no_csrf_token
from webapp.domain.signed_note import InvalidNote
from webapp.domain.witness_request import WitnessRequest
from webapp.idempotency import without_idempotency_key
from webapp.ledger.transparency.witness import WitnessRefused, witness
from webapp.web import query_parameters

BODY_BYTES_MAX: Final = 32_768
_SIZE: Final = "text/x.tlog.size"
_TEXT: Final = "text/plain; charset=utf-8"

pages = Blueprint("witness", __name__)


@pages.post("/witness/add-checkpoint")
@allows_everyone
@needs_no_csrf_token
@query_parameters.ignores_unknown
@without_idempotency_key("A repeat is refused as a conflict, or cosigned again.")
def add_checkpoint() -> Response:
    request.max_content_length = BODY_BYTES_MAX
    try:
        asked = WitnessRequest.parse(request.get_data(cache=False).decode())
        signature = witness().cosign(asked)
    except (InvalidNote, UnicodeDecodeError) as error:
        return _answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
    except WitnessRefused as refusal:
        if refusal.size is not None:
            return Response(f"{refusal.size}\n", refusal.status, content_type=_SIZE)
        return _answer(refusal.status, f"{refusal}\n")
    return _answer(HTTPStatus.OK, f"{signature.line}\n")


def _answer(status: HTTPStatus, text: str) -> Response:
    return Response(text, status, content_type=_TEXT)
