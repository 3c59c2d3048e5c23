"""Acts on many records: one transaction, all or none."""

from http import HTTPStatus

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import act_schemas, operations, query_parameters, request_body
from webapp.api.act_body import BODY_BYTES_MAX, parse_act
from webapp.api.operation import describes
from webapp.api.serializers import act_body, json_response, planned_act_body
from webapp.authorization import allows
from webapp.domain.errors import ActsNotAllowed, IdempotencyKeyReused, InvalidFields, Problem
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import acts_on_many, evidence

api = Blueprint("api_acts", __name__)


@api.post("/acts")
@describes(operations.RECORD_ACT)
@allows(Role.OPERATOR)
def record_act() -> Response:
    query_parameters.read()
    body = parse_act(request_body.read_object(BODY_BYTES_MAX))
    key = request_key()
    try:
        result = None if body.is_dry_run else acts_on_many.repeated_act(body.request.action, key)
        if result is None:
            plan = acts_on_many.plan_act(body.request)
            if plan.refused:
                raise ActsNotAllowed(list(plan.refused), len(plan.chosen))
            if body.is_dry_run:
                return json_response(planned_act_body(plan))
            result = acts_on_many.record_act(plan, actor(), key)
    except IdempotencyKeyReused:
        raise
    except InvalidFields as refusal:
        raise InvalidFields([_in_body(problem) for problem in refusal.problems]) from None
    note_replay(is_replay=result.is_replay)
    return json_response(act_body(result), HTTPStatus.CREATED, location=f"/acts/{result.number}")


def _in_body(problem: Problem) -> Problem:
    """Return the problem with its field named as a member of the body."""
    first, dot, rest = problem.field.partition(".")
    if first == "credits":
        return Problem(f"records{dot}{rest}", problem.message)
    if first in {"", "filter", "quantity", "amends"}:
        return problem
    return Problem(f"data.{problem.field}", problem.message)


@api.get("/records/evidence")
@describes(operations.FIND_EVIDENCE)
@allows(Role.VIEWER)
def find_evidence() -> Response:
    sha256 = query_parameters.read(*operations.FIND_EVIDENCE.query)[query_parameters.SHA256]
    if not sha256:
        raise InvalidFields([Problem(query_parameters.SHA256.name, "This is required.")])
    items = [
        act_schemas.NamingAct(
            act.position, act.event_type, act.recorded_at, act.name, f"/acts/{act.position}"
        )
        for act in evidence.acts_naming(sha256)
    ]
    return json_response(act_schemas.NamingActs(items))
