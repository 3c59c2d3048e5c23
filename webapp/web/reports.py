"""Yearly reports: the form that asks for one, its page and files, and the retirements behind its figures."""

import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import IO, Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
)
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields
from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.ledger import as_of, clock, retirements, summaries
from webapp.reports.content import Report
from webapp.reports.data import values_of
from webapp.reports.files import TYPES, file_of
from webapp.reports.lines import ALL
from webapp.reports.listed import COLUMNS, cells_of
from webapp.reports.question import PARAMETERS, PARTY, TITLES, Kind, Question, read_question
from webapp.reports.report import report_of
from webapp.web import query_parameters
from webapp.web.downloads import CSV, Table, send_table

pages = Blueprint("reports", __name__)

# The most rows of a table and the most retirements that a page shows; the files have all.
ROWS_SHOWN: Final = 300
# How many names the form offers to tick, and how many it has empty fields for.
NAMES_OFFERED: Final = 24
EMPTY_FIELDS: Final = 3
_LINE: Final = "line"
_HINTS: Final = {
    Kind.ESRS: "Tonnes with shares by reduction and removal, standard, region and corresponding adjustment.",
    Kind.HSC: "What AB 1305 asks for each project, with columns to fill in where the ledger has no field.",
    Kind.YEARLY: "Tonnes by beneficiary, registry, month, project and vintage.",
}


@pages.get("/reports")
@allows(Role.VIEWER)
@query_parameters.reads("kind", *PARAMETERS, repeated=[PARTY.name])
def index() -> AnyResponse:
    """Show the form, or lead to the report that it asks for."""
    problems: Mapping[str, str] = {}
    kind = request.args.get("kind", "")
    if kind:
        try:
            return redirect(_question(kind).address, HTTPStatus.SEE_OTHER)
        except InvalidFields as refusal:
            problems = {problem.field: problem.message for problem in refusal.problems}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    year = _year_of(request.args.get("year", ""))
    page = render_template(
        "reports/form.html",
        titles=TITLES,
        hints=_HINTS,
        kind=kind or (Kind.YEARLY if request.args.get(PARTY.name) else Kind.ESRS),
        year=year,
        values=request.args,
        chosen=[text for text in request.args.getlist(PARTY.name) if text.strip()],
        offered=_offered(year),
        names=summaries.suggest_parties(EventType.RETIRED),
        empty_fields=EMPTY_FIELDS,
        problems=problems,
    )
    return make_response(page, status)


@pages.get("/reports/<kind>")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, repeated=[PARTY.name])
def show(kind: str) -> str:
    """Show a report."""
    report = _report(kind)
    return render_template("reports/show.html", report=report, address=_address(report), shown=ROWS_SHOWN)


@pages.get("/reports/<kind>.pdf", defaults={"ending": "pdf"})
@pages.get("/reports/<kind>.xlsx", defaults={"ending": "xlsx"})
@pages.get("/reports/<kind>.csv", defaults={"ending": "csv"})
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, repeated=[PARTY.name])
def download(kind: str, ending: str) -> Response:
    """Send a report as a file."""
    report = _report(kind)
    file = file_of(report, ending, _address(report))
    return _sent(file, f"{kind}-{report.question.year}.{ending}", TYPES[ending])


@pages.get("/reports/<kind>/retirements")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, _LINE, repeated=[PARTY.name])
def behind(kind: str) -> str:
    """Show the retirements behind a line of a report."""
    report = report_of(_question(kind).without_comparison())
    line = request.args.get(_LINE) or ALL
    found = list(islice(report.retirements(line), ROWS_SHOWN + 1))
    return render_template(
        "reports/retirements.html",
        report=report,
        line=line,
        retirements=found[:ROWS_SHOWN],
        has_more=len(found) > ROWS_SHOWN,
    )


@pages.get("/reports/<kind>/retirements.csv")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, _LINE, repeated=[PARTY.name])
def behind_file(kind: str) -> Response:
    """Send all retirements behind a line of a report."""
    report = report_of(_question(kind).without_comparison())
    name = f"{kind}-{report.question.year}-retirements"
    rows = (values_of(COLUMNS, cells_of(each)) for each in report.retirements(request.args.get(_LINE) or ALL))
    return send_table(Table(name, [column.name for column in COLUMNS], rows), CSV)


def _question(kind: str) -> Question:
    if kind not in set(Kind):
        abort(HTTPStatus.NOT_FOUND)
    texts = {name: request.args.getlist(name) for name in (*PARAMETERS, PARTY.name)}
    return read_question(Kind(kind), texts, current_app.config["REPORT_TIMEZONE"])


def _report(kind: str) -> Report:
    return report_of(_question(kind))


def _address(report: Report) -> str:
    return f"{current_app.config['PUBLIC_URL'] or ''}{report.question.address}"


def _sent(file: IO[bytes], name: str, mimetype: str) -> Response:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response = send_file(
        file, mimetype=mimetype, as_attachment=True, download_name=name, etag=False, max_age=None
    )
    response.content_length = size
    response.headers["Cache-Control"] = "no-store"
    return response


def _year_of(text: str) -> int:
    """Return the year that the form shows: the one asked for, or else the last that has ended."""
    year = int(text) if text.isascii() and text.isdigit() and len(text) == len("2025") else 0
    return year if VINTAGE_MIN <= year <= VINTAGE_MAX else clock.now().year - 1


def _offered(year: int) -> Sequence[tuple[str, int]]:
    """Return the names for which most was retired in the year, each with its tonnes."""
    now = as_of.cut(time_zone=current_app.config["REPORT_TIMEZONE"])
    found = retirements.beneficiaries(now, year)[:NAMES_OFFERED]
    spelling = {canonical(name): name for name in summaries.suggest_parties(EventType.RETIRED, 1000)}
    return [(spelling.get(key, key), quantity_e4) for key, quantity_e4 in found]
