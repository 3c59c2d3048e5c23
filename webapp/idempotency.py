"""Idempotency keys of writing requests: a request that is repeated with its key is processed once.

A program sends its own key in a header. The same key with another request is an error; method, address and
body identify a request. Headers do not: Content-Type does not change the meaning of a body here, and after
a lost response a program may send the ETag that its own action created. A form has a key that was created
with its page. The same form with other fields is another request.

A view passes `request_key()` to its command, which stores the key (``ledger.idempotency_store``), and calls
`note_replay` with whether the command replayed a stored result.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import IO, Any, BinaryIO, Final, TypeVar

from flask import Flask, Response, current_app, flash, g, request
from werkzeug.datastructures import FileStorage

from webapp.domain.errors import InvalidFields, Problem
from webapp.http.authentication import actor, is_api_request
from webapp.ledger.idempotency_store import IdempotencyKey

KEY_HEADER: Final = "Idempotency-Key"
HIT_HEADER: Final = "Idempotency-Hit"
KEY_LENGTH_MAX: Final = 255
FORM_FIELD: Final = "idempotency_key"
ALREADY_DONE: Final = "This was already done when it was sent the first time. It was not done again."

View = TypeVar("View", bound=Callable[..., Any])

_REASON_WITHOUT_KEY: Final = "reason_without_key"
_KEY: Final = re.compile(f"[ -~]{{1,{KEY_LENGTH_MAX}}}")
_MULTIPART: Final = "multipart/form-data"


def install(app: Flask) -> None:
    """Mark the responses to repeated requests, and provide keys for forms."""
    app.after_request(_mark_replay)
    app.jinja_env.globals["new_idempotency_key"] = new_key


def without_idempotency_key(why: str) -> Callable[[View], View]:
    """Decorate a writing view that takes no key, with the reason."""

    def note(view: View) -> View:
        setattr(view, _REASON_WITHOUT_KEY, why)
        return view

    return note


def reason_without_idempotency_key(view: Callable[..., Any]) -> str | None:
    """Return why the view takes no key, None if it takes one."""
    return getattr(view, _REASON_WITHOUT_KEY, None)


def new_key() -> str:
    """Return a new random key for a form."""
    return secrets.token_urlsafe(16)


def request_key(body: BinaryIO | None = None) -> IdempotencyKey | None:
    """Return the key of the current request, None if it has none. Raises InvalidFields.

    `body` is the request body where the view has read it already. It is rewound.
    """
    return _key_of_api_request(body) if is_api_request() else _key_of_form()


def note_replay(*, is_replay: bool) -> None:
    """Note whether the response of the view repeats the result of an earlier request with the same key."""
    g.is_replay = is_replay


def is_replay() -> bool:
    """Return whether the current request repeats an earlier one."""
    return bool(g.get("is_replay", False))


def flash_success(message: str, category: str = "success") -> None:
    """Flash the message, or ALREADY_DONE if the request repeats an earlier one."""
    if is_replay():
        flash(ALREADY_DONE, "info")
    else:
        flash(message, category)


def _mark_replay(response: Response) -> Response:
    if is_replay():
        response.headers[HIT_HEADER] = "true"
    return response


def _key_of_api_request(body: BinaryIO | None) -> IdempotencyKey | None:
    text = request.headers.get(KEY_HEADER)
    if text is None:
        return None
    is_multipart = request.mimetype == _MULTIPART
    fingerprint = _fingerprint_of_fields(()) if is_multipart else _fingerprint_of_body(body)
    return IdempotencyKey(actor(), f"call {_valid_key(text, KEY_HEADER)}", fingerprint)


def _key_of_form() -> IdempotencyKey | None:
    text = request.form.get(FORM_FIELD)
    if text is None:
        return None
    fingerprint = _fingerprint_of_fields((FORM_FIELD, current_app.config["WTF_CSRF_FIELD_NAME"]))
    return IdempotencyKey(actor(), f"form {_valid_key(text, FORM_FIELD)} {fingerprint}", fingerprint)


def _valid_key(text: str, name: str) -> str:
    if not _KEY.fullmatch(text):
        message = f"Must be 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        raise InvalidFields([Problem(name, message)])
    return text


def _fingerprint_of_body(body: BinaryIO | None) -> str:
    content = hashlib.sha256(_route())
    if body is None:
        content.update(request.get_data())
    else:
        _add_file(content, body)
    return content.hexdigest()


def _fingerprint_of_fields(excluded: Iterable[str]) -> str:
    """Hash the fields and files of a form. Its bytes contain a random multipart boundary."""
    fields = [(name, values) for name, values in request.form.lists() if name not in excluded]
    files = [
        (name, [(file.filename, _file_hash(file)) for file in given]) for name, given in request.files.lists()
    ]
    return hashlib.sha256(_route() + json.dumps([fields, files]).encode()).hexdigest()


def _file_hash(file: FileStorage) -> str:
    content = hashlib.sha256()
    _add_file(content, file.stream)
    return content.hexdigest()


def _add_file(content: "hashlib._Hash", file: IO[bytes]) -> None:
    """Add a file to a hash, and rewind it for the view."""
    file.seek(0)
    while part := file.read(1024**2):
        content.update(part)
    file.seek(0)


def _route() -> bytes:
    return json.dumps([request.method, request.full_path]).encode() + b"\n"
