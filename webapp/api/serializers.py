"""Turn the ledger's views into the Structs of ``schemas``, and encode these as JSON responses."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Response, url_for

from webapp.api import act_schemas, feed_schemas, registry_schemas, schemas
from webapp.domain.fields import quantity_text
from webapp.domain.registry_names import display_name
from webapp.imports.views import ImportView, ProblemView, RowView
from webapp.ledger.acts_on_many import ActPlan, ActResult
from webapp.ledger.registries import Pair, RegistryView, Union
from webapp.ledger.serial_conflicts import SerialConflict
from webapp.ledger.summaries import StatusSums
from webapp.ledger.views import CreditView, EntryView, EventView, Origin, Record

# The members of an import that its view has under the same names.
_IMPORT_MEMBERS: Final = [
    name for name in schemas.ImportSummary.__struct_fields__ if name not in {"format", "plan"}
]
_ENCODER: Final = msgspec.json.Encoder()


def json_response(
    body: object,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    location: str | None = None,
    etag: str | None = None,
    content_type: str = "application/json",
) -> Response:
    """Return the JSON response. Caches must not store it, because its content may change at any time."""
    response = Response(_ENCODER.encode(body), status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    if location:
        response.headers["Location"] = location
    if etag:
        response.headers["ETag"] = etag
    return response


def record_url(record_id: str) -> str:
    """Return the path of a record, valid under any host and port. ``url_for`` would take far longer."""
    return f"/records/{record_id}"


def record_body(record: Record) -> schemas.Record:
    """Return a record with its relations and its events, oldest first."""
    return schemas.Record(*_record_values(record), **_present(record))


def changed_body(record: Record, message: str) -> schemas.ChangedRecord:
    """Return a record after it was created or changed, with a message that says so."""
    values: tuple[Any, ...] = (*_record_values(record), message)
    return schemas.ChangedRecord(*values, **_present(record))


def action_body(
    record: Record, message: str, rest: CreditView | None, warnings: Sequence[str]
) -> schemas.ActedRecord:
    """Return a record after an action, and the lot that was split off and stays, if any.

    `warnings` come after those that follow from the record alone.
    """
    stays = None if rest is None else lot_body(rest)
    values: tuple[Any, ...] = (*_record_values(record), message, stays, [*record.warnings, *warnings])
    return schemas.ActedRecord(*values, **_present(record))


def summary_body(credit: CreditView, origin: Origin) -> schemas.RecordSummary:
    """Return a record without its events, as lists show it."""
    return schemas.RecordSummary(*_summary_values(credit, origin))


def lot_body(lot: CreditView) -> schemas.Lot:
    """Return a lot with what a client needs to choose it and to act on it."""
    return schemas.Lot(
        id=lot.id,
        quantity=tonnes_number(lot.quantity),
        serial_number=lot.serial_number,
        status=lot.status,
        url=record_url(lot.id),
    )


def act_body(result: ActResult) -> act_schemas.Act:
    """Return an act that was recorded."""
    items = [
        _act_item(each.credit_id, each.quantity_e4, each.serial_number, each.split_from)
        for each in result.credits
    ]
    total = tonnes_number(quantity_text(result.quantity_e4))
    return act_schemas.Act(result.number, result.action, total, items, list(result.warnings))


def planned_act_body(plan: ActPlan) -> act_schemas.Act:
    """Return an act that would be recorded. A part has the id of the record that it is a part of."""
    items = [
        _act_item(credit.id, quantity_e4, credit.serial_number, credit.id if each.is_part else None)
        for each in plan.chosen
        for credit, quantity_e4 in [each]
    ]
    total = tonnes_number(quantity_text(plan.quantity_e4))
    return act_schemas.Act(None, plan.request.action, total, items, list(plan.warnings))


def _act_item(
    record_id: str, quantity_e4: int, serial_number: str | None, split_from: str | None
) -> act_schemas.ActItem:
    quantity = tonnes_number(quantity_text(quantity_e4))
    return act_schemas.ActItem(record_id, quantity, serial_number, record_url(record_id), split_from)


def feed_body(event: EventView | EntryView) -> feed_schemas.FeedEvent | feed_schemas.FeedEntry:
    """Return an event of the feed, with the id of its record or with its other subject."""
    if isinstance(event, EntryView):
        return feed_schemas.FeedEntry(
            event.subject,
            event.position,
            event.seq,
            event.event_type,
            event.data,
            event.actor,
            event.recorded_at,
            event.prev_hash,
            event.hash,
        )
    return feed_schemas.FeedEvent(
        event.credit_id,
        event.position,
        event.seq,
        event.event_type,
        event.data,
        event.actor,
        event.recorded_at,
        event.recorded_at,
        event.prev_hash,
        event.hash,
    )


def import_summary_body(found: ImportView) -> schemas.ImportSummary:
    """Return an import without its problems."""
    return schemas.ImportSummary(**_import_members(found))


def import_body(found: ImportView, problems: list[ProblemView], following: str | None) -> schemas.Import:
    """Return an import with a page of its problems; `following` is the URL of the next page."""
    shown = [problem_body(problem) for problem in problems]
    progress: schemas.Progress | msgspec.UnsetType = msgspec.UNSET
    if job := found.job:
        progress = schemas.Progress(job.phase, job.rows_done, job.rows_all, job.rate, job.seconds_left)
    return schemas.Import(**_import_members(found), problems=shown, next=following, progress=progress)


def import_row_body(row: RowView) -> schemas.ImportRow:
    """Return what the plan does with some tonnes of a row."""
    return schemas.ImportRow(
        row.row,
        row.kind,
        tonnes_number(quantity_text(row.quantity_e4)),
        row.detail,
        row.project_name,
        row.serial_number,
        row.credit_id,
    )


def problem_body(problem: ProblemView) -> schemas.RowProblem:
    """Return a problem of a row; that of a conflict names the record that holds the serial number."""
    members: dict[str, Any] = {}
    if problem.holder is not None:
        members |= {"holder": problem.holder, "holder_url": record_url(problem.holder)}
    if conflict := problem.conflict:
        members |= {"first": conflict.first, "last": conflict.last, "is_inside": conflict.is_inside}
    return schemas.RowProblem(
        problem.row, problem.field, problem.message, **members, **split_members(problem.conflict)
    )


def split_members(conflict: SerialConflict | None) -> dict[str, Any]:
    """Return the request that makes the held numbers a lot, empty where no split does."""
    if conflict is None or not conflict.split:
        return {}
    url = url_for("api_actions.split_record", record_id=conflict.holder.id)
    return {"split_url": url, "split": schemas.Split(list(conflict.split))}


def _record_values(record: Record) -> tuple[Any, ...]:
    """Return the values of ``schemas.Record`` in the order of its fields, without `facts`."""
    return (
        *_summary_values(record.credit, record.relations.origin),
        [lot_body(lot) for lot in record.relations.lots],
        list(record.relations.replaced_by),
        [_event_body(event) for event in record.events],
    )


def _present(record: Record) -> dict[str, Any]:
    """Return the members that a record has only where there is something: facts and amended events."""
    amended = [schemas.AmendedEvent(event.seq, record.present_data(event)) for event in record.amended]
    return {"facts": record.facts or msgspec.UNSET, "amended": amended or msgspec.UNSET}


def _summary_values(credit: CreditView, origin: Origin) -> tuple[Any, ...]:
    """Return the values of ``schemas.RecordSummary`` in the order of its fields."""
    return (
        credit.id,
        credit.project_name,
        credit.registry,
        credit.vintage,
        tonnes_number(credit.quantity),
        credit.serial_number,
        credit.status,
        credit.created_at,
        origin.parent,
        None if origin.offset_e4 is None else tonnes_number(quantity_text(origin.offset_e4)),
        origin.replaces,
    )


def _import_members(found: ImportView) -> dict[str, Any]:
    plan = [
        schemas.PlanLine(kind, counted["rows"], tonnes_number(quantity_text(counted["e4"])))
        for kind, counted in found.summary.kinds.items()
    ]
    members = {name: getattr(found, name) for name in _IMPORT_MEMBERS}
    return {**members, "format": found.summary.format, "plan": plan}


def _event_body(event: EventView) -> schemas.Event:
    return schemas.Event(
        event.position,
        event.seq,
        event.event_type,
        event.data,
        event.actor,
        event.recorded_at,
        event.recorded_at,
        event.prev_hash,
        event.hash,
    )


def registry_body(registry: RegistryView) -> registry_schemas.Registry:
    """Return a registry with the sums of its records."""
    return registry_schemas.Registry(
        registry.name,
        display_name(registry.name),
        registry.alias_of,
        list(registry.aliases),
        status_sums(registry.sums),
    )


def status_sums(sums: StatusSums) -> list[registry_schemas.StatusSum]:
    """Return sums by status, without zeros."""
    return [
        registry_schemas.StatusSum(status, sum_.credits, tonnes_number(sum_.quantity))
        for status, sum_ in sums.by_status.items()
        if sum_.credits
    ]


def union_body(union: Union) -> registry_schemas.Union:
    """Return the pairs of records that an alias would unite."""
    return registry_schemas.Union(
        union.registry,
        union.alias,
        _pairs(union.held),
        union.held_count,
        _pairs(union.alike),
        union.alike_count,
    )


def _pairs(pairs: Sequence[Pair]) -> list[registry_schemas.RecordPair]:
    return [registry_schemas.RecordPair(_paired(pair.first), _paired(pair.second)) for pair in pairs]


def _paired(credit: CreditView) -> registry_schemas.PairedRecord:
    return registry_schemas.PairedRecord(
        credit.id, credit.registry, tonnes_number(credit.quantity), credit.serial_number, credit.status
    )


def tonnes_number(quantity: str) -> msgspec.Raw:
    """Return a JSON number with exactly the digits of the decimal text."""
    return msgspec.Raw(quantity)
