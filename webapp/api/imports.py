"""Imports: a whole file of records at once, as the body or as an upload. Over the pages' own import."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request, url_for

from webapp.accounts.roles import Role
from webapp.api import query_parameters, request_body, schemas
from webapp.api.operations import Answer, Body, Operation, describes
from webapp.api.serializers import import_body, import_summary_body, json_response
from webapp.authorization import allows
from webapp.config import MAX_BODY_BYTES
from webapp.domain.errors import InvalidFields, Problem, UnknownImport
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.imports import jobs, views
from webapp.imports.readers.json_file import ROWS_MAX
from webapp.ledger.listing import LIMIT_MAX

api = Blueprint("api_imports", __name__)

MULTIPART: Final = "multipart/form-data"
# Newline-delimited JSON has no registered type; these are the ones in use.
LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")

_DRY_RUN: Final = query_parameters.flag(
    "dry_run", "1 only checks: nothing is written, the import stays `checked`."
)
_SKIP_INVALID: Final = query_parameters.flag(
    "skip_invalid", "1 leaves out rows that are invalid or in conflict and writes the others."
)
_IGNORE_UNKNOWN: Final = query_parameters.flag(
    "ignore_unknown", "1 leaves out the fields that a record does not have."
)
_OPTIONS: Final = (_DRY_RUN, _SKIP_INVALID, _IGNORE_UNKNOWN)
_PAGE: Final = (query_parameters.LIMIT_OF_PAGE, query_parameters.CURSOR_NUMBER)
_PROBLEMS_PAGE: Final = (query_parameters.LIMIT_OF_PROBLEMS, query_parameters.CURSOR_NUMBER)

_ROW: Final = {
    "anyOf": [
        {"$ref": "#/components/schemas/NewRecord"},
        {"description": "A row that is anything else is answered as invalid, in `problems`."},
    ]
}
_ROWS: Final = {"type": "array", "maxItems": ROWS_MAX, "items": _ROW}
_UPLOAD: Final = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        **{option.name: dict(option.schema) for option in _OPTIONS},
    },
    "required": ["file"],
    "additionalProperties": False,
}


@api.post("/records/imports")
@describes(
    Operation(
        tag="Imports",
        summary="Import a file",
        description="Every row is checked, then all that are new are written in one transaction, or none. "
        "One row that is invalid or in conflict, or one field that would not be recorded, means "
        "that nothing is written and the import is `failed`, unless the query says otherwise. "
        "Importing the same file again writes nothing new.",
        query=_OPTIONS,
        body=Body(
            {
                request_body.JSON_TYPE: {
                    "anyOf": [_ROWS, {"type": "object", "description": "With exactly one array in it."}]
                },
                **{kind: {"type": "string", "description": "A record in each line."} for kind in LINES},
                MULTIPART: _UPLOAD,
            }
        ),
        answers={
            HTTPStatus.ACCEPTED: Answer(
                "The import. Its `state` says what became of it: `done`, `checked` (a dry run) or `failed` "
                "(nothing was written; `message` and `problems` say why).",
                "Import",
                has_location=True,
            )
        },
        problems={
            HTTPStatus.CONFLICT: "Somebody cancelled it meanwhile, on its page. Nothing was written.",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"More than {ROWS_MAX:,} rows or "
            f"{MAX_BODY_BYTES // 1024**2} MB.",
        },
    )
)
@allows(Role.OPERATOR)
def import_records() -> Response:
    content, filename = _file()
    values = query_parameters.read(*_OPTIONS, form=request.form)
    if values[_DRY_RUN]:
        received = jobs.receive(content, filename, actor(), key=request_key())
        import_id, is_replay = received.import_id, received.is_replay
    else:
        written = jobs.import_now(
            content,
            filename,
            actor(),
            skip_invalid=values[_SKIP_INVALID],
            ignore_unknown=values[_IGNORE_UNKNOWN],
            key=request_key(),
            how_to_skip="With skip_invalid=1 the others are written.",
            how_to_ignore="With ignore_unknown=1 they are left out.",
        )
        import_id, is_replay = written.view.id, written.is_replay
    note_replay(is_replay=is_replay)
    location = url_for(".get_import", import_id=import_id)
    return json_response(_body(import_id), HTTPStatus.ACCEPTED, location=location)


@api.get("/records/imports")
@describes(
    Operation(
        tag="Imports",
        summary="List imports",
        description="Newest first, those made on the pages among them.",
        query=_PAGE,
        answers={HTTPStatus.OK: Answer("A page of imports, without their problems.", "ImportPage")},
    )
)
@allows(Role.VIEWER)
def list_imports() -> Response:
    values = query_parameters.read(*_PAGE)
    limit = values[query_parameters.LIMIT_OF_PAGE]
    found = views.list_imports(values[query_parameters.CURSOR_NUMBER], limit + 1)
    cursor = str(found[limit - 1].id) if len(found) > limit else None
    items = [import_summary_body(item) for item in found[:limit]]
    return json_response(schemas.ImportPage(items, query_parameters.next_address(cursor)))


@api.get("/records/imports/<import_id>")
@describes(
    Operation(
        tag="Imports",
        summary="Read an import",
        query=_PROBLEMS_PAGE,
        answers={HTTPStatus.OK: Answer("Its state, its counts and a page of its problems.", "Import")},
        problems={HTTPStatus.NOT_FOUND: "No import has this number."},
    )
)
@allows(Role.VIEWER)
def get_import(import_id: str) -> Response:
    values = query_parameters.read(*_PROBLEMS_PAGE)
    number = query_parameters.number_of(import_id)
    if number is None:
        raise UnknownImport("There is no such import.")
    return json_response(
        _body(number, values[query_parameters.CURSOR_NUMBER] or 0, values[query_parameters.LIMIT_OF_PROBLEMS])
    )


def _body(import_id: int, after: int = 0, limit: int = LIMIT_MAX) -> schemas.Import:
    """Return the import with its problems after the first `after`."""
    found = views.find(import_id)
    problems = views.problems(import_id, after, limit + 1)
    following = None
    if len(problems) > limit:
        following = url_for(".get_import", import_id=import_id, limit=limit, cursor=after + limit)
    return import_body(found, problems[:limit], following)


def _file() -> tuple[bytes, str]:
    """Return the file and its name. Aborts with 413 or 415; raises InvalidFields."""
    request_body.require_json_type(MULTIPART, *LINES)
    if request.mimetype != MULTIPART:
        return request.get_data(), "(request body)"
    others = [name for name in request.files if name != "file"]
    if others:
        raise InvalidFields([Problem(name, "The file belongs in the field `file`.") for name in others])
    files = request.files.getlist("file")
    if len(files) != 1:
        raise InvalidFields([Problem("file", "Attach one file in this field.")])
    return files[0].read(), files[0].filename or ""
