"""The page that acts on many credits: it shows what will happen, and records it as one act."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import ActChanged, ActsNotAllowed, InvalidFields, Problem
from webapp.domain.fields import tonnes
from webapp.domain.lifecycle import EventType, Status
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import acts_on_many, listing, summaries
from webapp.ledger.acts_on_many import ActPlan, ActRequest, ActResult
from webapp.ledger.views import CreditView
from webapp.web import query_parameters
from webapp.web.act_address import ALL, PARAMETERS, PATH, REPEATED, ActAddress
from webapp.web.act_forms import AMEND_FORMS, FORMS, ActForm
from webapp.web.labels import EVENT_LABELS

pages = Blueprint("acts_on_many", __name__)

# The most credits of a plan that the page lists, each with its quantity to change.
LISTED_MAX: Final = 100
# The events that an amendment of credits of one status restates, unless another is asked for.
_BUYER_FIELDS: Final = frozenset({"buyer", "filter.buyer"})
_AMENDED: Final = {Status.SOLD: EventType.SOLD, Status.RETIRED: EventType.RETIRED}


@dataclass(frozen=True)
class ActPage:
    """What the page shows: the plan if there is one, and what keeps the act from being recorded."""

    address: ActAddress
    plan: ActPlan | None
    form: ActForm
    problems: Sequence[Problem] = ()
    message: str = ""

    @property
    def buyer_problems(self) -> list[Problem]:
        """The problems with whom sold credits are taken from."""
        return [problem for problem in self.problems if problem.field in _BUYER_FIELDS]

    @property
    def quantity_problems(self) -> list[Problem]:
        """The other problems of the selection, which stand beside its tonnes."""
        return [problem for problem in self.problems if problem.field not in _BUYER_FIELDS]

    @property
    def verb(self) -> str:
        """The act in one word: "Retire"."""
        return self.address.action.capitalize()

    @property
    def title(self) -> str:
        """The act with its tonnes: "Retire 1,000 t"."""
        return f"{self.verb} {tonnes(self.plan.quantity_e4)}" if self.plan else f"{self.verb} credits"

    @property
    def refused_credits(self) -> list[CreditView]:
        """The credits that do not allow the act."""
        refused = {each.credit_id for each in self.plan.refused} if self.plan else set()
        return [each.credit for each in self.plan.chosen if each.credit.id in refused] if self.plan else []

    @property
    def without_refused(self) -> ActAddress | None:
        """The address of the same act without these, None where no named credit is left."""
        refused = {credit.created_position for credit in self.refused_credits}
        parts = {at: part for at, part in self.address.parts.items() if at not in refused}
        return replace(self.address, parts=parts) if parts else None

    @property
    def amendable(self) -> list[EventType]:
        """The types of event that all the credits have, which an amendment can restate."""
        if self.address.event_type is not EventType.AMENDED or self.plan is None:
            return []
        statuses = {each.credit.status for each in self.plan.chosen}
        own = [event_type for status, event_type in _AMENDED.items() if statuses == {status}]
        return [*own, EventType.CREATED]


@pages.route(PATH, methods=["GET", "POST"])
@allows(Role.OPERATOR)
@query_parameters.reads(*PARAMETERS, repeated=REPEATED)
def act() -> AnyResponse:
    """Show the form with what will happen, or record the act."""
    address = ActAddress.read(request.args)
    if request.method == "POST" and (
        repeated := acts_on_many.repeated_act(address.event_type, request_key())
    ):
        return _done(repeated)
    form, plan, problems = _planned(address)
    if plan is None or problems:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
        return _page(ActPage(address, plan, form, problems), status)
    if request.method != "POST":
        return _page(ActPage(address, plan, form))
    if not form.validate():
        return _page(ActPage(address, plan, form), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _record(address, plan, form)


def _planned(address: ActAddress) -> tuple[ActForm, ActPlan | None, Sequence[Problem]]:
    """Return the form, and the plan without the fields of the act, or the problems of the selection."""
    amends = address.amends
    try:
        if address.is_unfinished:
            return _form_of(address.event_type, amends), None, ()
        selection = address.selection()
        plan = acts_on_many.plan_act(ActRequest(address.event_type, selection, None))
    except InvalidFields as refusal:
        return _form_of(address.event_type, amends), _plan_of_wholes(address), refusal.problems
    amends = amends or _amended_of(plan)
    return _form_of(address.event_type, amends), plan, ()


def _plan_of_wholes(address: ActAddress) -> ActPlan | None:
    """Return the plan of the named credits without their quantities, so that those can be put right."""
    if not address.parts or address.take:
        return None
    whole = replace(address, parts=dict.fromkeys(address.parts, ""))
    try:
        return acts_on_many.plan_act(ActRequest(address.event_type, whole.selection(), None))
    except InvalidFields:
        return None


def _amended_of(plan: ActPlan) -> EventType:
    statuses = {each.credit.status for each in plan.chosen}
    return _AMENDED.get(statuses.pop(), EventType.CREATED) if len(statuses) == 1 else EventType.CREATED


def _form_of(event_type: EventType, amends: EventType | None) -> ActForm:
    if event_type is EventType.AMENDED:
        return AMEND_FORMS[amends or EventType.CREATED]()
    return FORMS[event_type]()


def _record(address: ActAddress, plan: ActPlan, form: ActForm) -> AnyResponse:
    amends = getattr(form, "event_type", None) if address.event_type is EventType.AMENDED else None
    try:
        stated = acts_on_many.stating(plan, form.stated, amends)
        if not form.accepts(stated.warnings):
            return _page(ActPage(address, plan, form), HTTPStatus.UNPROCESSABLE_ENTITY)
        result = acts_on_many.record_act(stated, actor(), request_key(), form.shown.data or "")
    except InvalidFields as refusal:
        form.show(refusal.problems)
        return _page(ActPage(address, plan, form), HTTPStatus.UNPROCESSABLE_ENTITY)
    except (ActChanged, ActsNotAllowed) as refusal:
        form, current, problems = _planned(address)
        return _page(ActPage(address, current, form, problems, str(refusal)), HTTPStatus.CONFLICT)
    return _done(result)


def _done(result: ActResult) -> AnyResponse:
    note_replay(is_replay=result.is_replay)
    count = len(result.credits)
    credits = "1 credit" if count == 1 else f"{count:,} credits"
    flash_success(f"{EVENT_LABELS[result.action]}: {tonnes(result.quantity_e4)} in {credits}.")
    return redirect(f"/acts/{result.number}", HTTPStatus.SEE_OTHER)


def _left_out(page: ActPage) -> str:
    """Say what "all that match" leaves out, because without a status only active credits are taken."""
    address, plan = page.address, page.plan
    if address.take != ALL or plan is None or address.matching.one_status:
        return ""
    sums = listing.sum_credits(address.matching.filter, is_quick=True)
    if not sums.is_all:
        return "Credits that are not active are left out."
    found = sum(counted.credits for counted in sums.by_status.values())
    left_out = found - sums[Status.ACTIVE].credits
    are = "is not active and is" if left_out == 1 else "are not active and are"
    return f"{left_out:,} of {found:,} {are} left out." if left_out else ""


def _page(page: ActPage, status: HTTPStatus = HTTPStatus.OK) -> AnyResponse:
    if page.plan:
        page.form.shown.data = page.plan.fingerprint
    party = {EventType.SOLD: "buyer", EventType.RETIRED: "beneficiary"}.get(page.address.event_type, "")
    parties = summaries.suggest_parties(page.address.event_type) if party else []
    buyers = summaries.suggest_parties(EventType.SOLD) if page.address.asks_buyer else []
    return make_response(
        render_template(
            "credits/act.html",
            act=page,
            form=page.form,
            party=party,
            parties=parties,
            buyers=buyers,
            left_out=_left_out(page),
            listed_max=LISTED_MAX,
        ),
        status,
    )
