"""Registries: the texts that records name, and which of them are names of one registry."""

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import operations, query_parameters, registry_schemas, request_body
from webapp.api.field_schemas import ACCEPTS_PAIRS
from webapp.api.operation import describes
from webapp.api.serializers import json_response, registry_body, union_body
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields, Problem
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import registries
from webapp.ledger.name_changes import NameChange

api = Blueprint("api_registries", __name__)


@api.get("/records/registries")
@describes(operations.LIST_REGISTRIES)
@allows(Role.VIEWER)
def list_registries() -> Response:
    query_parameters.read()
    items = [registry_body(registry) for registry in registries.list_registries()]
    return json_response(registry_schemas.RegistryList(items))


@api.get("/records/registries/union")
@describes(operations.GET_UNION)
@allows(Role.OPERATOR)
def get_union() -> Response:
    values = query_parameters.read(*operations.GET_UNION.query)
    stated = {parameter.name: values[parameter] for parameter in operations.GET_UNION.query}
    return json_response(union_body(registries.union_of(stated)))


@api.post("/records/registries/join")
@describes(operations.JOIN_NAMES)
@allows(Role.OPERATOR)
def join_names() -> Response:
    query_parameters.read()
    values = request_body.read_object()
    accepts_pairs = values.pop(ACCEPTS_PAIRS, False)
    if not isinstance(accepts_pairs, bool):
        raise InvalidFields([Problem(ACCEPTS_PAIRS, "Must be true or false.")])
    change = registries.join_names(values, actor(), request_key(), accepts_pairs=accepts_pairs)
    return _changed(change, "Names joined")


@api.post("/records/registries/separate")
@describes(operations.SEPARATE_NAMES)
@allows(Role.OPERATOR)
def separate_names() -> Response:
    query_parameters.read()
    change = registries.separate_names(request_body.read_object(), actor(), request_key())
    return _changed(change, "Names separated")


def _changed(change: NameChange, message: str) -> Response:
    note_replay(is_replay=change.is_replay)
    return json_response(registry_schemas.NamesChanged(change.main, change.alias, message))
