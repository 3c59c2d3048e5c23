"""How the ledger's values look in the API's JSON. Their schemas, held equal by a test: ``schemas``."""

from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Response, url_for

from webapp.imports.views import ImportView, ProblemView
from webapp.ledger.serial_conflicts import SerialConflict
from webapp.ledger.views import CreditView, EventView, Origin, Record

# A quantity leaves as a JSON number with the decimals it was recorded with, never through a float.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def json_response(
    body: object,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    location: str | None = None,
    etag: str | None = None,
    content_type: str = "application/json",
) -> Response:
    """Return the JSON answer. Nobody keeps a copy of it: what it says may change any moment."""
    response = Response(_ENCODER.encode(body), status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    if location:
        response.headers["Location"] = location
    if etag:
        response.headers["ETag"] = etag
    return response


def record_url(record_id: str) -> str:
    """Return the address of a record, behind whatever host and port the reader used."""
    return url_for("api_records.get_record", record_id=record_id)


def record_body(record: Record) -> dict[str, object]:
    """Return a record with its relations and its events, oldest first."""
    return {
        **summary_body(record.credit, record.relations.origin),
        "lots": [lot_body(lot) for lot in record.relations.lots],
        "replaced_by": list(record.relations.replaced_by),
        "events": [_event_body(event) for event in record.events],
    }


def action_body(record: Record, rest: CreditView | None) -> dict[str, object]:
    """Return a record after an act on it, and the lot that was split off and stays, if any."""
    return {**record_body(record), "rest": None if rest is None else lot_body(rest)}


def summary_body(credit: CreditView, origin: Origin) -> dict[str, object]:
    """Return a record without its events, as lists have it."""
    return {
        "id": credit.id,
        "project_name": credit.project_name,
        "registry": credit.registry,
        "vintage": credit.vintage,
        "quantity": Decimal(credit.quantity),
        "serial_number": credit.serial_number,
        "status": credit.status,
        "created_at": credit.created_at,
        "parent": origin.parent,
        "offset": None if origin.offset is None else Decimal(origin.offset),
        "replaces": origin.replaces,
    }


def lot_body(lot: CreditView) -> dict[str, object]:
    """Return a lot as its family names it: enough to choose one and to act on it."""
    return {
        "id": lot.id,
        "quantity": Decimal(lot.quantity),
        "serial_number": lot.serial_number,
        "status": lot.status,
        "url": record_url(lot.id),
    }


def feed_body(event: EventView) -> dict[str, object]:
    """Return an event of the feed, which also says whose it is."""
    return {"record_id": event.credit_id, **_event_body(event)}


def import_body(found: ImportView) -> dict[str, Any]:
    """Return an import without its problems."""
    return {
        "id": found.id,
        "state": found.state,
        "filename": found.filename,
        "sha256": found.sha256,
        "size_bytes": found.size_bytes,
        "actor": found.actor,
        "uploaded_at": found.uploaded_at,
        "finished_at": found.finished_at,
        "message": found.message,
        "total": found.total,
        "new": found.new,
        "existing": found.existing,
        "conflicting": found.conflicting,
        "invalid": found.invalid,
        "written": found.written,
        "not_recorded": found.not_recorded,
    }


def problem_body(problem: ProblemView) -> dict[str, object]:
    """Return what is wrong with one row; a conflict names the record that holds the serial number."""
    body: dict[str, object] = {"row": problem.row, "field": problem.field, "message": problem.message}
    if problem.holder is not None:
        body |= {"holder": problem.holder, "holder_url": record_url(problem.holder)}
    conflict = problem.conflict
    if conflict:
        body |= {
            "first": conflict.first,
            "last": conflict.last,
            "is_inside": conflict.is_inside,
            **conflict_body(conflict),
        }
    return body


def conflict_body(conflict: SerialConflict | None) -> dict[str, object]:
    """Return how to make numbers that a record holds a lot of their own, empty where no split does."""
    if conflict is None or not conflict.split:
        return {}
    address = url_for("api_actions.split_record", record_id=conflict.holder.id)
    return {"split_url": address, "split": {"quantities": conflict.split}}


def _event_body(event: EventView) -> dict[str, object]:
    return {
        "position": event.position,
        "seq": event.seq,
        "event_type": event.event_type,
        "data": event.data,
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
    }
