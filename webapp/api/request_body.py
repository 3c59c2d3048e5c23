"""Read a request body: check its type and size, and decode its JSON.

The domain's tables of fields decide what the fields mean.
"""

from http import HTTPStatus
from typing import Final, NoReturn

from flask import abort, request

from webapp.domain.canonical_json import NotJson, compressed_as, decode
from webapp.domain.errors import InvalidFields, Problem

# The longest record has about 40 kB, with every character escaped.
RECORD_BYTES_MAX: Final = 256 * 1024

JSON_TYPE: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
# Newline-delimited JSON has no registered media type; these are the ones in use.
LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
# Tables: CSV, and workbooks of Excel and LibreOffice.
TABLES: Final = (
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
)
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def read_object(bytes_max: int = RECORD_BYTES_MAX) -> dict[str, object]:
    """Return the body as a JSON object. Aborts with 400, 413 or 415; raises InvalidFields."""
    request.max_content_length = bytes_max
    if (request.content_length or 0) > bytes_max:  # the body may already be read
        abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    require_json_type()
    return _object(request.get_data())


def read_object_if_any() -> dict[str, object]:
    """Return the body as a JSON object, empty where there is no body. Raises as `read_object`."""
    request.max_content_length = RECORD_BYTES_MAX
    if not request.content_length:
        return {}
    return read_object()


def require_json_type(*others: str) -> None:
    """Abort with 415 unless the body is uncompressed JSON in UTF-8, or of one of the other types."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        _unsupported("Send the body as it is, without a Content-Encoding.")
    kind = request.mimetype
    is_json = kind == JSON_TYPE or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json and kind not in others:
        given = f", not {kind}" if kind else ""
        _unsupported(f"Send the body as Content-Type: {JSON_TYPE}{given}.")
    if kind not in TABLES and request.mimetype_params.get("charset", "utf-8").lower() not in _CHARSETS:
        _unsupported("Send the body in UTF-8.")


def _unsupported(detail: str) -> NoReturn:
    abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _object(content: bytes) -> dict[str, object]:
    if kind := compressed_as(content):
        _unsupported(f"This is packed with {kind}. Send the JSON in it as it is.")
    try:
        value = decode(content)
    except NotJson as error:
        abort(HTTPStatus.BAD_REQUEST, str(error))
    if not isinstance(value, dict):
        raise InvalidFields([Problem("", "The body must be a JSON object with the fields in it.")])
    return value
