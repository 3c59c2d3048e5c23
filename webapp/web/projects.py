"""The pages of projects: the list, and one project."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import UnknownProject
from webapp.domain.facts import CREDIT_FACTS
from webapp.domain.lifecycle import COUNTED, HOLDING, Status
from webapp.domain.registry_names import display_name
from webapp.http import htmx
from webapp.ledger import projects
from webapp.ledger.act_lines import MOVING, act_lines
from webapp.ledger.project_keys import ProjectNames
from webapp.ledger.summaries import StatusSums
from webapp.web import actor_names, cuts, query_parameters
from webapp.web.as_of import CUTS, stated_cut
from webapp.web.downloads import Cell, Table, both_files, send_table
from webapp.web.number_pages import NumberedPage

pages = Blueprint("projects", __name__)

COLUMNS: Final = (
    "registry",
    "project_id",
    "project_name",
    *(f"{status.lower()}_{what}" for status in HOLDING for what in ("credits", "tonnes")),
)


@pages.get("/projects")
@allows(Role.VIEWER)
@query_parameters.reads("q", "page", *CUTS)
def index() -> Response:
    """Show the projects with their tonnes, those with the most available first."""
    cut = stated_cut()
    q = request.args.get("q", "")
    page = NumberedPage.read(projects.list_projects(cut, q))
    return htmx.render(
        "projects/list.html",
        "projects/_table.html",
        page=page,
        names=projects.names_of(cut, [each.key for each in page.items]),
        q=q,
        cut=cut,
        permanent=cuts.permanent_address(cut),
        download=cuts.address("/projects.csv", q=q),
    )


@both_files("/projects")
@allows(Role.VIEWER)
@query_parameters.reads("q", *CUTS)
def projects_file(file_format: str) -> Response:
    """Send all projects of the list with their tonnes by status."""
    cut, q = stated_cut(), request.args.get("q", "")
    found = projects.list_projects(cut, q)
    names = projects.names_of(cut, [each.key for each in found])
    rows = (_row(names[each.key], each.sums) for each in found)
    return send_table(Table(cuts.file_name("projects", q, cut), COLUMNS, rows), file_format)


@pages.get("/projects/named")
@allows(Role.VIEWER)
@query_parameters.reads("registry", "id", "name", "before", *CUTS)
def show() -> str | AnyResponse:
    """Show one project. A name leads to the id, if all tonnes of that name have the same one."""
    cut = stated_cut()
    registry, project_id, name = (request.args.get(part, "") for part in ("registry", "id", "name"))
    others = projects.ids_of_name(cut, registry, name) if name and not project_id else []
    try:
        view = projects.project(cut, registry, project_id, name)
    except UnknownProject:
        if len(others) != 1:
            raise
        return redirect(cuts.address(registry=others[0].registry, id=others[0].id, name=None))
    acts = act_lines(cut, replace(view.where, types=MOVING), before=cuts.requested_day("before"))
    actor_names.prefetch(line.actor for line in acts.lines)
    return render_template(
        "projects/show.html",
        project=view,
        others=others,
        facts=_labelled(view.facts),
        shares=[(year, shares(year)) for year in (view.sums, *view.vintages)],
        acts=acts,
        older=acts.older and cuts.address(before=acts.older),
        cut=cut,
        permanent=cuts.permanent_address(cut),
        data=cuts.address(
            "/records/projects/named",
            registry=view.names.registry,
            project_id=view.names.id,
            project=None if view.names.id else view.names.name,
            as_of=cut.as_of,
            known_at=cut.known_at,
        ),
    )


def _row(project: ProjectNames, sums: StatusSums) -> Iterator[Cell]:
    yield from (project.registry, project.id or None, project.name)
    for status in HOLDING:
        yield from (sums[status].credits, sums[status].quantity)


def project_address(project: ProjectNames) -> str:
    """Return the address of the page of a project."""
    named = {"id": project.id} if project.id else {"name": project.name}
    return f"/projects/named?{urlencode({'registry': project.registry, **named})}"


def project_credits(project: ProjectNames) -> str:
    """Return the address of the list of its credits; without an id, of those that have its name."""
    named = {"project_id": project.id} if project.id else {"q": project.name}
    return f"/credits?{urlencode({'registry': project.registry, **named})}"


FILTERS: Final = {
    "project_address": project_address,
    "project_credits": project_credits,
    "registry_name": display_name,
}


def shares(sums: StatusSums) -> dict[Status, float]:
    """Return the share of each counted status in all counted tonnes, in percent; zeros without any."""
    whole = sums.all.quantity_e4
    return {status: 100 * sums[status].quantity_e4 / whole if whole else 0.0 for status in COUNTED}


def _labelled(facts: Mapping[str, Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    return [(field.label, facts[field.name]) for field in CREDIT_FACTS if field.name in facts]
