"""Yearly reports as data, at the address that their pages link. See "Reports" in docs/reports.md."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, request, send_file

from webapp.accounts.roles import Role
from webapp.api import query_parameters
from webapp.api.operation import describes
from webapp.api.report_operations import GET_REPORT
from webapp.authorization import allows
from webapp.reports.files import TYPES, file_of
from webapp.reports.question import Kind, read_question
from webapp.reports.report import report_of

api = Blueprint("api_reports", __name__)


@api.get("/reports/<kind>.json")
@describes(GET_REPORT)
@allows(Role.VIEWER)
def get_report(kind: str) -> Response:
    query_parameters.read(*GET_REPORT.query)
    if kind not in set(Kind):
        abort(HTTPStatus.NOT_FOUND, "There is no such report.")
    texts = {parameter.name: request.args.getlist(parameter.name) for parameter in GET_REPORT.query}
    report = report_of(read_question(Kind(kind), texts, current_app.config["REPORT_TIMEZONE"]))
    address = f"{current_app.config['PUBLIC_URL'] or ''}{report.question.address}"
    response = send_file(file_of(report, "json", address), mimetype=TYPES["json"], etag=False, max_age=None)
    response.headers["Cache-Control"] = "no-store"
    return response
