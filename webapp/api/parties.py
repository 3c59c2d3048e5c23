"""Parties: what was sold to them and retired for them, and which names are one party's."""

from flask import Blueprint, Response, current_app

from webapp.accounts.roles import Role
from webapp.api import party_operations as operations
from webapp.api import party_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api import request_body
from webapp.api.cuts import cut_body, cut_url, stated_cut
from webapp.api.operation import describes
from webapp.api.party_bodies import act_bodies, flow_body, project_name_body
from webapp.api.serializers import json_response
from webapp.authorization import allows
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import as_of, parties, party_figures, party_pairs
from webapp.ledger.act_lines import act_lines
from webapp.ledger.name_changes import NameChange

api = Blueprint("api_parties", __name__)


@api.get("/records/parties")
@describes(operations.LIST_PARTIES)
@allows(Role.VIEWER)
def list_parties() -> Response:
    values = parameters.read(*operations.LIST_PARTIES.query)
    cut = stated_cut(values)
    start, limit = values[parameters.CURSOR_NUMBER] or 0, values[parameters.LIMIT_OF_PAGE]
    found = party_figures.list_parties(cut, values[parameters.WORDS])
    items = [
        schemas.Party(party.name, list(party.aliases), flow_body(party.flow))
        for party in found[start : start + limit]
    ]
    following = cut_url(cut, cursor=start + limit) if len(found) > start + limit else None
    return json_response(schemas.PartyPage(cut_body(cut), items, following))


@api.get("/records/parties/named")
@describes(operations.GET_PARTY)
@allows(Role.VIEWER)
def get_party() -> Response:
    values = parameters.read(*operations.GET_PARTY.query)
    cut = stated_cut(values)
    (before,) = as_of.parse_days({parameters.BEFORE.name: values[parameters.BEFORE]})
    party = party_figures.party(cut, values[parameters.NAME])
    acts = act_lines(cut, party.where, before)
    return json_response(
        schemas.PartyFigures(
            cut_body(cut),
            party.name,
            [schemas.PartyAlias(*join) for join in party.joins],
            flow_body(party.flow),
            [schemas.YearFlow(year, flow_body(flow)) for year, flow in party.by_year],
            [schemas.RegistryFlow(registry, flow_body(flow)) for registry, flow in party.by_registry],
            [
                schemas.ProjectFlow(project_name_body(project), flow_body(flow))
                for project, flow in party.by_project
            ],
            act_bodies(acts),
            cut_url(cut, before=acts.older) if acts.older else None,
            acts.left_out,
        )
    )


@api.get("/records/parties/pairs")
@describes(operations.LIST_PAIRS)
@allows(Role.VIEWER)
def list_pairs() -> Response:
    parameters.read()
    found = party_pairs.proposals(as_of.cut(time_zone=current_app.config["REPORT_TIMEZONE"]))
    return json_response(
        schemas.PartyPairs(
            [schemas.PartyPair(pair.one, pair.other) for pair in found.pairs],
            [schemas.PartyPair(*pair) for pair in found.dismissed],
        )
    )


@api.post("/records/parties/join")
@describes(operations.JOIN_PARTY_NAMES)
@allows(Role.OPERATOR)
def join_party_names() -> Response:
    parameters.read()
    return _changed(parties.join_names(request_body.read_object(), actor(), request_key()), "Names joined")


@api.post("/records/parties/separate")
@describes(operations.SEPARATE_PARTY_NAMES)
@allows(Role.OPERATOR)
def separate_party_names() -> Response:
    parameters.read()
    change = parties.separate_names(request_body.read_object(), actor(), request_key())
    return _changed(change, "Names separated")


def _changed(change: NameChange, message: str) -> Response:
    note_replay(is_replay=change.is_replay)
    return json_response(schemas.PartyNamesChanged(change.main, change.alias, message))
