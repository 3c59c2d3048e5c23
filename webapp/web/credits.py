"""The pages of credits: the list, the form of a new credit, and a credit with its history."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.credit import is_credit_id
from webapp.domain.errors import (
    CancelledBefore,
    CursorMismatch,
    InvalidFields,
    Problem,
    ReplacedBefore,
    SerialHeld,
)
from webapp.domain.facts import CREDIT_FACTS
from webapp.domain.lifecycle import NOT_HOLDING, Status
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, listing, queries, registries, summaries
from webapp.ledger.act_selection import CREDITS_MAX
from webapp.ledger.search import selection
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.pagination import Page
from webapp.ledger.views import Record
from webapp.web import actor_names, filter_bar, labels, list_filters, query_parameters, split_history
from webapp.web.act_address import CHOSEN, POSITION
from webapp.web.corrections import old_values
from webapp.web.credit_list import ORIGIN, PARAMETERS, REPEATED, CreditList
from webapp.web.formats import number
from webapp.web.forms import CreditForm
from webapp.web.history import history_of
from webapp.web.serial_numbers import show_conflict

pages = Blueprint("credits", __name__)

# Query parameters that prefill the form of a new credit. A serial number is never copied.
PREFILLED: Final = ("project_name", "registry", "vintage", "quantity")
# A replacement has the serial number of the credit that it replaces.
REPLACEMENT: Final = (*PREFILLED, "serial_number", "replaces")
ANOTHER_BATCH: Final = "Already recorded. If this is another batch, give it a serial number."


@pages.get("/credits")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, "cursor", "count", repeated=(*REPEATED, CHOSEN))
def index() -> Response:
    """Show the credits that match the filter in the address, with their totals."""
    try:
        wanted = CreditList.read(request.args)
        wanted = replace(wanted, filter=listing.narrowed(wanted.filter))
        page = listing.list_credits(wanted.filter, wanted.cursor)
        sums = listing.sum_credits(wanted.filter, is_quick=not wanted.counts_all)
        chosen = _chosen()
    except (InvalidFields, CursorMismatch) as refusal:
        return _bad_filter_page(refusal)
    return htmx.render(
        "credits/list.html",
        "credits/_list.html",
        credit_list=wanted,
        page=page,
        sums=sums,
        number_found=_number_found(sums, len(page.items)),
        chosen=chosen,
        elsewhere_chosen=[
            at for at in chosen if at not in {credit.created_position for credit in page.items}
        ],
        credits_max=CREDITS_MAX,
        elsewhere=[] if page.items else _found_elsewhere(wanted),
        problems=[],
        bar=filter_bar.of(wanted),
    )


def _chosen() -> list[int]:
    """Return the positions of the credits that were chosen on other pages of the list."""
    texts = request.args.getlist(CHOSEN)
    if not all(map(POSITION.fullmatch, texts)):
        raise InvalidFields([Problem(CHOSEN, "Must be the position of a credit.")])
    return list(dict.fromkeys(map(int, texts)))


def _found_elsewhere(wanted: CreditList) -> list[tuple[str, str, str]]:
    """Return in which other statuses a search finds credits: the number, the label and the list of each.

    Split and void credits, which no list shows unless asked, are named even if there are none.
    """
    if not wanted.filter.q:
        return []
    found = []
    for status in (status for status in Status if status not in wanted.filter.statuses):
        sums = listing.sum_credits(replace(wanted.filter, statuses=(status,)), is_quick=True)
        if sums[status].credits or status in NOT_HOLDING:
            label = labels.STATUS_LABELS[status].lower()
            found.append((_number_found(sums, 0), label, wanted.of_status(status)))
    return found if any(count != "0" for count, _, _ in found) else []


@pages.get("/credits/new")
@allows(Role.OPERATOR)
@query_parameters.reads(*REPLACEMENT)
def new() -> str:
    """Show the form of a new credit, prefilled from the query string."""
    prefilled = {name: request.args[name] for name in REPLACEMENT if name in request.args}
    return _new_page(CreditForm(data=prefilled))


@pages.post("/credits/new")
@allows(Role.OPERATOR)
def create() -> AnyResponse | tuple[str, HTTPStatus]:
    """Record the credit, or redirect to the equal one that is already recorded."""
    form = CreditForm()
    if not form.validate():
        return _new_page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        result = commands.create_credit(form.values, actor(), request_key())
    except SerialHeld as refusal:
        show_conflict(form, refusal)
        return _new_page(form), HTTPStatus.CONFLICT
    except CancelledBefore as refusal:
        form.replaces.data = refusal.credit_id
        return _new_page(form, refusal), HTTPStatus.CONFLICT
    except ReplacedBefore as refusal:
        # If the user says that it is another batch, it replaces nothing.
        form.replaces.data = None
        return _new_page(form, refusal), HTTPStatus.CONFLICT
    except InvalidFields as refusal:
        form.show(refusal.problems)
        return _new_page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    note_replay(is_replay=result.is_replay)
    if result.is_new:
        flash_success("The credit is recorded.")
    elif result.record.credit.serial_number is None:
        flash_success(ANOTHER_BATCH, "info")
    else:
        flash_success("Already recorded. Nothing was added.", "info")
    return redirect(url_for(".show", credit_id=result.credit_id), HTTPStatus.SEE_OTHER)


@pages.get("/credits/<credit_id>")
@allows(Role.VIEWER)
@query_parameters.reads(ORIGIN)
def show(credit_id: str) -> str:
    """Show one credit with its history. The address may have the query of the list it was opened from."""
    record = queries.record(credit_id)
    origin = CreditList.read_origin(request.args.get(ORIGIN, ""))
    actor_names.prefetch(event.actor for event in record.events)
    return render_template(
        "credits/show.html",
        credit=record.credit,
        same_serial=registries.same_serial_number(credit_id),
        history=history_of(record),
        credit_facts=labels.labelled_facts(CREDIT_FACTS, record.facts),
        another=_prefilled_form({name: getattr(record.credit, name) for name in PREFILLED}),
        tree=_split_tree(record),
        list_address=origin.here if origin else "",
        **_relations(record),
    )


def _split_tree(record: Record) -> split_history.TreeExcerpt | None:
    """Return the split history of a lot or a split credit, None for any other credit."""
    if not (record.relations.origin.parent or record.relations.lots):
        return None
    return split_history.around(queries.split_tree(record.credit.id), record.credit.id)


def _relations(record: Record) -> dict[str, object]:
    """Return the inputs about splits and corrections: its origin, lots, replacements and last act."""
    relations = record.relations
    replaces = relations.origin.replaces
    related = [*relations.replaced_by, replaces] if replaces else relations.replaced_by
    found = queries.find_credits(related) if related else {}
    return {
        "origin": relations.origin,
        "lots": relations.lots,
        "replaces": found.get(replaces) if replaces else None,
        "replaced_by": [found[credit_id] for credit_id in relations.replaced_by],
        "last": record.last_counting,
        "replacement": _prefilled_form({**old_values(record.credit), "replaces": record.credit.id})
        if record.credit.status is Status.CANCELLED
        else None,
    }


def _prefilled_form(values: Mapping[str, object]) -> str:
    """Return the address of the form of a new credit, prefilled with these values."""
    stated = {name: value for name, value in values.items() if value is not None}
    return f"/credits/new?{urlencode(stated)}"


def _new_page(form: CreditForm, refusal: CancelledBefore | ReplacedBefore | None = None) -> str:
    """Show the form. `refusal`: the credit was cancelled before, or its original was already replaced."""
    registry_names, _ = summaries.filter_choices()
    replaced_id = form.replaces.data or ""
    if not replaced_id:
        del form.replaces
    return render_template(
        "credits/new.html",
        form=form,
        registries=registry_names,
        replaced=queries.find_credits([replaced_id]).get(replaced_id) if is_credit_id(replaced_id) else None,
        again=isinstance(refusal, CancelledBefore) and ("replacement" if refusal.replaced else "credit"),
        current_replacement=queries.credit(refusal.credit_id)
        if isinstance(refusal, ReplacedBefore)
        else None,
    )


def _number_found(sums: summaries.StatusSums, shown: int) -> str:
    """Return the number of credits in the list in words. `shown` is the number on this page."""
    found = sum(counted.credits for counted in sums.by_status.values())
    if sums.is_all:
        return number(found)
    if found > selection.SUMMED_MAX:
        return f"more than {number(selection.SUMMED_MAX)}"
    return f"at least {number(max(found, shown))}"


def _bad_filter_page(refusal: InvalidFields | CursorMismatch) -> Response:
    if isinstance(refusal, InvalidFields):
        wanted, problems = CreditList(CreditFilter()), refusal.problems
        valid = CreditList(list_filters.parse(request.args)[0])  # what is right stays chosen
    else:
        wanted = replace(CreditList.read(request.args), cursor=None)
        valid, problems = wanted, [Problem("", "This page link belongs to another filter or order.")]
    return htmx.render(
        "credits/list.html",
        "credits/_list.html",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        credit_list=wanted,
        page=Page([], None, None),
        sums=summaries.StatusSums("", {}),
        number_found="0",
        chosen=[],
        elsewhere_chosen=[],
        elsewhere=[],
        problems=problems,
        bar=filter_bar.of(valid),
    )
