"""The pages of imports: the list, the upload form, and an import with its preview and outcome."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.config import ROOT
from webapp.domain.errors import (
    CursorMismatch,
    ImportNotOpen,
    InvalidFields,
    Problem,
    TooManyRows,
    UnreadableFile,
    UnsupportedFile,
)
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.http.error_status import status_of
from webapp.http.request_security import takes_large_file
from webapp.idempotency import ALREADY_DONE, is_replay, note_replay, request_key
from webapp.imports import abandoned, jobs, views
from webapp.imports.background import intake, large_imports
from webapp.imports.background.job import Decision
from webapp.imports.file_rows import FileRows
from webapp.imports.import_facts import display_name
from webapp.imports.mapping import ColumnMapping
from webapp.imports.views import ImportView, State
from webapp.web import actor_names, import_options, import_rows, query_parameters
from webapp.web.formats import number
from webapp.web.serial_numbers import split_address

LISTED: Final = 50
PROBLEMS_SHOWN: Final = 100
ROWS_SHOWN: Final = 50
SAMPLE: Final = ROOT / "sample-registry.json"
# Longer numbers exceed the integers of the databases.
NUMBER_LENGTH_MAX: Final = 18
NUMBER_MAX: Final = 10**NUMBER_LENGTH_MAX - 1
IMPORT_URL: Final = f"/imports/<int(max={NUMBER_MAX}):import_id>"

pages = Blueprint("imports", __name__)


class FileForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The file to import."""

    file = FileField("Drop a file here, or choose one")


class DecisionForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The decision about an open import."""

    skip_invalid = BooleanField()
    ignore_unknown = BooleanField()

    def describe(self, found: ImportView) -> None:
        """Set the labels of the ticks for this import."""
        bad = number(found.conflicting + found.invalid)
        rows = "row" if found.new == 1 else "rows"
        names = ", ".join(found.not_recorded)
        self.skip_invalid.label.text = (
            f"Import the {number(found.new)} new {rows} and leave out the {bad} with problems"
        )
        self.ignore_unknown.label.text = f"Import without these fields, which are not recorded: {names}"

    def show_missing_ticks(self, found: ImportView) -> None:
        """Add an error to each tick that the import requires."""
        if found.has_problems and not self.skip_invalid.data:
            self.skip_invalid.errors = ["Tick this to continue, or fix the file and import it again."]
        if found.not_recorded and not self.ignore_unknown.data:
            self.ignore_unknown.errors = ["Tick this to continue, or remove the fields from the file."]


@pages.get("/imports")
@allows(Role.VIEWER)
@query_parameters.reads("before")
def index() -> str:
    """Show the imports, newest first."""
    before = _number("before")
    found = views.list_imports(before, LISTED + 1)
    more = len(found) > LISTED
    actor_names.prefetch(one.actor for one in found)
    return render_template(
        "imports/list.html",
        imports=found[:LISTED],
        is_first_page=before is None,
        open_days=abandoned.OPEN_DAYS,
        older=url_for(".index", before=found[LISTED - 1].id) if more else None,
    )


@pages.get("/imports/new")
@allows(Role.OPERATOR)
def new() -> str:
    """Show the upload form."""
    return _new_page(FileForm())


@pages.post("/imports/new")
@takes_large_file
@allows(Role.OPERATOR)
def receive() -> AnyResponse:
    """Check the file and redirect to its preview; nothing is written to the ledger."""
    form = FileForm()
    if form.file.data is None:
        form.file.errors = ["Choose a file."]
        return make_response(_new_page(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    filename = form.file.data.filename
    try:
        received = intake.receive(
            form.file.data.stream,
            filename,
            actor(),
            limits=current_app.config["IMPORT_LIMITS"],
            key=request_key(),
        )
    except (UnreadableFile, UnsupportedFile, TooManyRows) as refusal:
        form.file.errors = [f"{display_name(filename)}: {refusal}"]
        return make_response(_new_page(form), status_of(refusal))
    return _received(received)


@pages.post("/imports/sample")
@allows(Role.OPERATOR)
def receive_sample() -> AnyResponse:
    """Import the ten sample credits like an uploaded file."""
    return _received(jobs.receive(SAMPLE.read_bytes(), SAMPLE.name, actor(), key=request_key()))


@pages.get("/sample-registry.json")
@allows(Role.VIEWER)
def sample_file() -> Response:
    """Send the file of the ten sample credits."""
    return send_file(SAMPLE, mimetype="application/json")


@pages.get(IMPORT_URL)
@allows(Role.VIEWER)
@query_parameters.reads("after", "kind", "row", "columns")
def show(import_id: int) -> Response:
    """Show the plan of an open import, or its outcome."""
    return _import_page(views.find(import_id), DecisionForm())


@pages.post(f"{IMPORT_URL}/options")
@allows(Role.OPERATOR)
def change_options(import_id: int) -> AnyResponse:
    """Read the file in another way, map its columns, or choose what to record; then plan it again."""
    found = views.find(import_id)
    name = request.form.get("section", "")
    section = import_options.SECTIONS.get(name)
    if section is None:
        raise InvalidFields([Problem("section", "There is no such form.")])
    try:
        options = section(found.options, request.form)
        if found.job:
            note_replay(is_replay=large_imports.change(import_id, options, actor(), request_key()))
        else:
            note_replay(is_replay=jobs.change(import_id, options, actor(), request_key()).is_replay)
    except ImportNotOpen:
        return _already_decided(import_id)
    except (InvalidFields, UnreadableFile, UnsupportedFile, TooManyRows) as refusal:
        problems = refusal.problems if isinstance(refusal, InvalidFields) else [Problem("", str(refusal))]
        posted = None
        if name == import_options.COLUMNS:
            posted = import_options.posted_mapping(found.options, request.form)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _import_page(found, DecisionForm(), status, problems_of_form=problems, posted=posted)
    return _done(import_id)


@pages.get(f"{IMPORT_URL}/rows.csv")
@allows(Role.VIEWER)
@query_parameters.reads("kind")
def rows_file(import_id: int) -> Response:
    """Send the rows of one kind, or all, with the columns of the file and what the plan says about each."""
    found = views.find(import_id)
    return import_rows.send(found, request.args.get("kind") or None)


@pages.get("/imports/template.csv")
@allows(Role.VIEWER)
def template_file() -> Response:
    """Send an empty file with the headers that need no mapping."""
    return import_rows.send_template()


@pages.post(f"{IMPORT_URL}/write")
@allows(Role.OPERATOR)
def write(import_id: int) -> AnyResponse:
    """Write the import; rows with problems only if they may be left out."""
    form = DecisionForm()
    if views.find(import_id).job:
        return _record_large(import_id, form)
    try:
        written = jobs.write(
            import_id,
            skip_invalid=form.skip_invalid.data,
            ignore_unknown=form.ignore_unknown.data,
            actor=actor(),
            key=request_key(),
        )
    except ImportNotOpen:
        return _already_decided(import_id)
    found = written.view
    if found.is_open:
        form.show_missing_ticks(found)
        return _import_page(found, form, HTTPStatus.CONFLICT)
    note_replay(is_replay=written.is_replay)
    return _import_page(found, form) if htmx.wants_fragment() else _done(import_id)


def _record_large(import_id: int, form: DecisionForm) -> AnyResponse:
    """Begin to record an import in the background."""
    decision = Decision(actor(), form.skip_invalid.data, form.ignore_unknown.data)
    try:
        note_replay(is_replay=large_imports.record(import_id, decision, request_key()))
    except ImportNotOpen:
        return _already_decided(import_id)
    found = views.find(import_id)
    if found.is_open:
        form.show_missing_ticks(found)
        return _import_page(found, form, HTTPStatus.CONFLICT)
    return _import_page(found, form) if htmx.wants_fragment() else _done(import_id)


@pages.post(f"{IMPORT_URL}/resume")
@allows(Role.OPERATOR)
def resume(import_id: int) -> AnyResponse:
    """Go on with an import that was stopped while it was recorded."""
    try:
        note_replay(is_replay=large_imports.resume(import_id, actor(), request_key()))
    except ImportNotOpen:
        return _already_decided(import_id)
    return show(import_id) if htmx.wants_fragment() else _done(import_id)


@pages.post(f"{IMPORT_URL}/cancel")
@allows(Role.OPERATOR)
def cancel(import_id: int) -> AnyResponse:
    """Cancel the import, or stop it while it is recorded."""
    try:
        if views.find(import_id).job:
            note_replay(is_replay=large_imports.cancel(import_id, actor(), request_key()))
        else:
            note_replay(is_replay=jobs.cancel(import_id, request_key()))
    except ImportNotOpen:
        return _already_decided(import_id)
    return show(import_id) if htmx.wants_fragment() else _done(import_id)


@pages.get(f"{IMPORT_URL}/options", endpoint="options_chosen")
@pages.get(f"{IMPORT_URL}/write", endpoint="written")
@pages.get(f"{IMPORT_URL}/cancel", endpoint="cancelled")
@pages.get(f"{IMPORT_URL}/resume", endpoint="resumed")
@allows(Role.VIEWER)
def preview(import_id: int) -> AnyResponse:
    """Redirect to the import from the address of its form, which the browser shows after an error."""
    return _redirect_to(import_id)


def _new_page(form: FileForm) -> str:
    return render_template(
        "imports/new.html",
        form=form,
        limits=current_app.config["IMPORT_LIMITS"],
    )


def _import_page(
    found: ImportView,
    form: DecisionForm,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    too_late: bool = False,
    problems_of_form: Sequence[Problem] = (),
    posted: ColumnMapping | None = None,
) -> Response:
    """Render the page of an import; with `posted`, a mapping that was refused is shown again."""
    form.describe(found)
    kind = request.args.get("kind") or import_rows.first_kind(found)
    after = _number("row") or 0
    problems_after = _number("after") or 0
    is_asked = found.state is State.UNMAPPED or "columns" in request.args or posted is not None
    file = _file_of(found) if found.is_open and is_asked else None
    if file and posted:
        file = replace(file, mapping=posted)
    problems = views.problems(found.id, problems_after, PROBLEMS_SHOWN) if found.has_problems else []
    return htmx.render(
        "imports/show.html",
        "imports/_import.html",
        status,
        found=found,
        form=form,
        kind=kind,
        kinds=import_rows.kinds_of(found),
        rows=views.rows(found.id, kind, after, ROWS_SHOWN) if kind else [],
        rows_after=after,
        rows_shown=ROWS_SHOWN,
        columns=import_options.columns_of(file) if file else [],
        mapping=file.mapping if file else None,
        choices=import_options,
        whose_columns=import_options.whose_columns(found.options.mapping),
        form_problems=problems_of_form,
        problems=problems,
        split_address=split_address,
        problems_after=problems_after,
        problems_total=views.count_problems(found.id) if problems else 0,
        problems_shown=PROBLEMS_SHOWN,
        too_late=too_late,
    )


def _file_of(found: ImportView) -> FileRows | None:
    return large_imports.file_of(found.id) if found.job else views.file_of(found)


def _already_decided(import_id: int) -> Response:
    """Show an import that another request decided first, with status 409."""
    return _import_page(views.find(import_id), DecisionForm(), HTTPStatus.CONFLICT, too_late=True)


def _received(received: jobs.Received) -> AnyResponse:
    note_replay(is_replay=received.is_replay)
    return _done(received.import_id)


def _done(import_id: int) -> AnyResponse:
    """Redirect to the import, with a notice if the same form was processed before."""
    if is_replay():
        flash(ALREADY_DONE, "info")
    return _redirect_to(import_id)


def _redirect_to(import_id: int) -> AnyResponse:
    return htmx.add_vary(redirect(url_for(".show", import_id=import_id), HTTPStatus.SEE_OTHER))


def _number(name: str) -> int | None:
    """Return a number from the query string, None if empty. Raises CursorMismatch if it is not a number."""
    text = request.args.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_LENGTH_MAX):
        raise CursorMismatch
    return int(text)
