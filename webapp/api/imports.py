"""Imports: a file of records, as the request body or as an upload. The pages use the same jobs."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import BinaryIO, cast

from flask import Blueprint, Response, current_app, request, url_for

from webapp.accounts.roles import Role
from webapp.api import operations, query_parameters, request_body, schemas
from webapp.api.operation import describes
from webapp.api.serializers import import_body, import_row_body, import_summary_body, json_response
from webapp.authorization import allows
from webapp.config import MAX_BODY_BYTES
from webapp.domain.errors import InvalidFields, Problem, UnknownImport
from webapp.http.authentication import actor
from webapp.http.request_security import takes_large_file
from webapp.idempotency import note_replay, request_key
from webapp.imports import views
from webapp.imports.background import intake
from webapp.imports.background.job import Decision
from webapp.imports.options import ImportOptions
from webapp.ledger.listing import LIMIT_MAX

api = Blueprint("api_imports", __name__)


@api.post("/records/imports")
@takes_large_file
@describes(operations.IMPORT_RECORDS)
@allows(Role.OPERATOR)
def import_records() -> Response:
    with _opened_file() as (file, filename):
        values = query_parameters.read(*operations.IMPORT_RECORDS.query, form=request.form)
        received = intake.receive(
            file,
            filename,
            actor(),
            options=_options(values),
            decision=_decision(values),
            limits=current_app.config["IMPORT_LIMITS"],
            key=request_key(file),
        )
    note_replay(is_replay=received.is_replay)
    location = url_for(".get_import", import_id=received.import_id)
    return json_response(_body(received.import_id), HTTPStatus.ACCEPTED, location=location)


@api.get("/records/imports")
@describes(operations.LIST_IMPORTS)
@allows(Role.VIEWER)
def list_imports() -> Response:
    values = query_parameters.read(*operations.LIST_IMPORTS.query)
    limit = values[query_parameters.LIMIT_OF_PAGE]
    found = views.list_imports(values[query_parameters.CURSOR_NUMBER], limit + 1)
    cursor = str(found[limit - 1].id) if len(found) > limit else None
    items = [import_summary_body(item) for item in found[:limit]]
    return json_response(schemas.ImportPage(items, query_parameters.next_url(cursor)))


@api.get("/records/imports/<import_id>/rows")
@describes(operations.LIST_IMPORT_ROWS)
@allows(Role.VIEWER)
def list_import_rows(import_id: str) -> Response:
    values = query_parameters.read(*operations.LIST_IMPORT_ROWS.query)
    number = query_parameters.number_of(import_id)
    if number is None:
        raise UnknownImport("There is no such import.")
    views.find(number)
    limit = values[query_parameters.LIMIT_OF_PAGE]
    after = values[query_parameters.CURSOR_NUMBER] or 0
    found = views.rows(number, values[query_parameters.KIND], after, limit + 1)
    cursor = str(found[limit - 1].number) if len(found) > limit else None
    items = [import_row_body(row) for row in found[:limit]]
    return json_response(schemas.ImportRowPage(items, query_parameters.next_url(cursor)))


@api.get("/records/imports/<import_id>")
@describes(operations.GET_IMPORT)
@allows(Role.VIEWER)
def get_import(import_id: str) -> Response:
    values = query_parameters.read(*operations.GET_IMPORT.query)
    number = query_parameters.number_of(import_id)
    if number is None:
        raise UnknownImport("There is no such import.")
    after, limit = values[query_parameters.CURSOR_NUMBER] or 0, values[query_parameters.LIMIT_OF_PROBLEMS]
    return json_response(_body(number, after, limit))


def _decision(values: query_parameters.Values) -> Decision | None:
    """Return what the request decided, None if nothing is to be written."""
    if values[query_parameters.DRY_RUN]:
        return None
    return Decision(
        actor(),
        values[query_parameters.SKIP_INVALID],
        values[query_parameters.IGNORE_UNKNOWN],
        how_to_skip="With skip_invalid=1 the others are written.",
        how_to_ignore="With ignore_unknown=1 they are left out.",
    )


def _options(values: query_parameters.Values) -> ImportOptions:
    """Return what the request chose."""
    end_date = values[query_parameters.END_DATE]
    return ImportOptions(
        where=values[query_parameters.WHERE],
        is_compare_only=values[query_parameters.COMPARE],
        is_chosen=True,
        end_date=end_date,
        is_undated=end_date is None,
        as_additional=values[query_parameters.AS_ADDITIONAL],
        adds_facts=not values[query_parameters.WITHOUT_FACTS],
    )


def _body(import_id: int, after: int = 0, limit: int = LIMIT_MAX) -> schemas.Import:
    """Return the import with at most `limit` of its problems, without the first `after`."""
    found = views.find(import_id)
    problems = views.problems(import_id, after, limit + 1)
    following = None
    if len(problems) > limit:
        following = url_for(".get_import", import_id=import_id, limit=limit, cursor=after + limit)
    return import_body(found, problems[:limit], following)


@contextmanager
def _opened_file() -> Iterator[tuple[BinaryIO, str]]:
    """Give the file and its name. Aborts with 413 or 415; raises InvalidFields."""
    request_body.require_json_type(request_body.MULTIPART, *request_body.LINES, *request_body.TABLES)
    if request.mimetype != request_body.MULTIPART:
        with tempfile.SpooledTemporaryFile(MAX_BODY_BYTES) as spooled:
            shutil.copyfileobj(request.stream, spooled)
            spooled.seek(0)
            yield cast("BinaryIO", spooled), "(request body)"
        return
    others = [name for name in request.files if name != "file"]
    if others:
        raise InvalidFields([Problem(name, "The file belongs in the field `file`.") for name in others])
    files = request.files.getlist("file")
    if len(files) != 1:
        raise InvalidFields([Problem("file", "Attach one file in this field.")])
    yield cast("BinaryIO", files[0].stream), files[0].filename or ""
