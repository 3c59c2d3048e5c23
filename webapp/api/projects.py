"""Projects: the tonnes in them by status and vintage, and their acts."""

from dataclasses import replace

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import party_operations as operations
from webapp.api import party_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api.cuts import cut_body, cut_url, stated_cut
from webapp.api.operation import describes
from webapp.api.party_bodies import act_bodies, project_name_body
from webapp.api.serializers import json_response, status_sums
from webapp.authorization import allows
from webapp.ledger import as_of, projects
from webapp.ledger.act_lines import MOVING, act_lines

api = Blueprint("api_projects", __name__)


@api.get("/records/projects")
@describes(operations.LIST_PROJECTS)
@allows(Role.VIEWER)
def list_projects() -> Response:
    values = parameters.read(*operations.LIST_PROJECTS.query)
    cut = stated_cut(values)
    start, limit = values[parameters.CURSOR_NUMBER] or 0, values[parameters.LIMIT_OF_PAGE]
    found = projects.list_projects(cut, values[parameters.WORDS])
    shown = found[start : start + limit]
    names = projects.names_of(cut, [each.key for each in shown])
    items = [schemas.Project(project_name_body(names[each.key]), status_sums(each.sums)) for each in shown]
    following = cut_url(cut, cursor=start + limit) if len(found) > start + limit else None
    return json_response(schemas.ProjectPage(cut_body(cut), items, following))


@api.get("/records/projects/named")
@describes(operations.GET_PROJECT)
@allows(Role.VIEWER)
def get_project() -> Response:
    values = parameters.read(*operations.GET_PROJECT.query)
    cut = stated_cut(values)
    (before,) = as_of.parse_days({parameters.BEFORE.name: values[parameters.BEFORE]})
    project = projects.project(
        cut, values[parameters.REGISTRY], values[parameters.PROJECT_ID], values[parameters.PROJECT]
    )
    acts = act_lines(cut, replace(project.where, types=MOVING), before)
    return json_response(
        schemas.ProjectFigures(
            cut_body(cut),
            project_name_body(project.names),
            list(project.names.names),
            [schemas.ProjectFact(name, list(texts)) for name, texts in project.facts.items()],
            status_sums(project.sums),
            [schemas.VintageSums(int(sums.name), status_sums(sums)) for sums in project.vintages],
            act_bodies(acts),
            cut_url(cut, before=acts.older) if acts.older else None,
            acts.left_out,
        )
    )
