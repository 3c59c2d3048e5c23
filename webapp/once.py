"""A writing request that carries a key is done once, and its repeats get the first answer.

Every request that may write comes through `dispatch`, whatever view it is for. With a key, the view
runs in one transaction together with the row in which its answer is kept (``webapp.ledger.keys``);
only a success is kept, and any other answer takes back what was written.

A program sends its own key in a header, for one request: the same key with another request is a
mistake. The other headers are no part of it: Content-Type does not change what a body means here, and
after a lost answer a program may well send the ETag that its own act has made. A form carries one
that was made when its page was shown, for one act: the same form with other fields is another act.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from copy import deepcopy
from http import HTTPStatus
from typing import Final

from flask import Response, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import actor
from webapp.api import problems
from webapp.domain.errors import InvalidFields, Problem
from webapp.kept import (
    HIT_HEADER,
    KEY_HEADER,
    KEY_LENGTH_MAX,
    commits_all_the_same,
    is_never_kept,
    led_away,
)
from webapp.ledger.keys import Answer, Key, do_once
from webapp.web import fragments

FIELD: Final = "idempotency_key"

_KEY: Final = re.compile(f"[ -~]{{1,{KEY_LENGTH_MAX}}}")
_MULTIPART: Final = "multipart/form-data"
# Of this request alone, or made anew with each answer.
_NOT_KEPT: Final = frozenset({"set-cookie", "content-length", "date"})


def dispatch(view: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    """Answer the current writing request by its view, once if it carries a key. Raises what that raises."""
    if is_never_kept(current_app.view_functions[request.endpoint or ""]):
        return view()
    if problems.is_api_path(request.path):
        key = _key_of_call()
        return view() if key is None else _CallOnce(key).answer(view)
    key = _key_of_form()
    return view() if key is None else _FormOnce(key).answer(view)


def new_key() -> str:
    """Return a key for a form that is about to be shown."""
    return secrets.token_urlsafe(16)


class _NoSuccess(Exception):
    """Takes an answer that is no success out of the transaction, which it rolls back."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class _CallOnce:
    """A request of a program, by its key."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._response: Response | None = None

    def answer(self, view: Callable[[], ResponseReturnValue]) -> AnyResponse:
        """Return the view's answer, or the one that was kept."""
        try:
            done = do_once(self._key, lambda: self._run(view))
        except _NoSuccess as refused:
            return refused.response
        if done is not None and done.is_repeated:
            return self.again(done.answer)
        assert self._response is not None  # noqa: S101 - the view has run
        return self._response

    def _run(self, view: Callable[[], ResponseReturnValue]) -> Answer | None:
        """Run the view as if for the first time, also where somebody else was faster before."""
        _rewind_files()
        commits_all_the_same()
        self._response = response = current_app.make_response(view())
        if commits_all_the_same():
            return None
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise _NoSuccess(response)
        if not self.may_be_kept(response):
            return None
        headers = [(name, value) for name, value in response.headers if name.lower() not in _NOT_KEPT]
        return Answer(response.status_code, headers, response.get_data())

    def may_be_kept(self, _response: Response) -> bool:
        """Say whether a success may be given again."""
        return True

    def again(self, kept: Answer) -> AnyResponse:
        """Return the answer that was kept, byte for byte."""
        response = Response(kept.body, kept.status)
        response.headers.clear()
        response.headers.extend(kept.headers)
        response.headers[HIT_HEADER] = "true"
        return response


class _FormOnce(_CallOnce):
    """A form of a page, by its key. Its session is part of what must not be done twice."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self._session, self._modified = deepcopy(dict(session)), session.modified
        self._led_away = led_away(current_app.view_functions[request.endpoint or ""])

    def answer(self, view: Callable[[], ResponseReturnValue]) -> AnyResponse:
        try:
            return super().answer(view)
        except Exception:
            self._restore_session()  # it may say that something was done
            raise

    def _run(self, view: Callable[[], ResponseReturnValue]) -> Answer | None:
        self._restore_session()
        answer = super()._run(view)
        if answer is None and self._led_away and self._is_success:
            address = url_for(self._led_away[0])
            return Answer(HTTPStatus.SEE_OTHER, [("Location", address)], b"")
        return answer

    @property
    def _is_success(self) -> bool:
        return self._response is not None and self._response.status_code < HTTPStatus.BAD_REQUEST

    def _restore_session(self) -> None:
        session.clear()
        session.update(deepcopy(self._session))
        session.modified = self._modified

    def may_be_kept(self, response: Response) -> bool:
        """Keep redirects and parts of pages. A whole page holds tokens of its session."""
        return response.status_code >= HTTPStatus.MULTIPLE_CHOICES or fragments.wants_fragment()

    def again(self, kept: Answer) -> AnyResponse:
        """Return the answer that was kept, and say that nothing was done again.

        The first may have been given to htmx and this one be for a browser, or the other way round.
        """
        response = super().again(kept)
        said = self._led_away[1] if self._led_away else _SAID
        leads_on = kept.status >= HTTPStatus.MULTIPLE_CHOICES
        if fragments.wants_fragment() and leads_on:
            flash(said, "info")
            return _marked(Response(headers={"HX-Redirect": response.headers["Location"]}))
        if fragments.wants_fragment():
            response.set_data(response.get_data(as_text=True) + render_template("_repeated.html", said=_SAID))
            return response
        flash(said, "info")
        return response if leads_on else _marked(redirect(request.path, HTTPStatus.SEE_OTHER))


_SAID: Final = "This was done already, when it was sent the first time. It was not done twice."


def _marked(response: AnyResponse) -> AnyResponse:
    response.headers[HIT_HEADER] = "true"
    return fragments.mark(response)


def _key_of_call() -> Key | None:
    text = request.headers.get(KEY_HEADER)
    if text is None:
        return None
    fingerprint = _fingerprint_of_fields(()) if request.mimetype == _MULTIPART else _fingerprint_of_body()
    return Key(actor(), f"call {_required(text, KEY_HEADER)}", fingerprint)


def _key_of_form() -> Key | None:
    text = request.form.get(FIELD)
    if text is None:
        return None
    fingerprint = _fingerprint_of_fields((FIELD, current_app.config["WTF_CSRF_FIELD_NAME"]))
    return Key(actor(), f"form {_required(text, FIELD)} {fingerprint}", fingerprint)


def _required(text: str, name: str) -> str:
    if not _KEY.fullmatch(text):
        message = f"Must be 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        raise InvalidFields([Problem(name, message)])
    return text


def _fingerprint_of_body() -> str:
    return hashlib.sha256(_route() + request.get_data()).hexdigest()


def _fingerprint_of_fields(others: Iterable[str]) -> str:
    """Hash the fields and files of a form. Its bytes will not do: a boundary in them is random."""
    fields = [(name, values) for name, values in request.form.lists() if name not in others]
    files = [
        (name, [(file.filename, _content_hash(file)) for file in given])
        for name, given in request.files.lists()
    ]
    return hashlib.sha256(_route() + json.dumps([fields, files]).encode()).hexdigest()


def _content_hash(file: FileStorage) -> str:
    content = hashlib.sha256()
    while part := file.stream.read(1024**2):
        content.update(part)
    return content.hexdigest()


def _route() -> bytes:
    return json.dumps([request.method, request.full_path]).encode() + b"\n"


def _rewind_files() -> None:
    if request.mimetype == _MULTIPART:
        for _, given in request.files.lists():
            for file in given:
                file.stream.seek(0)
