"""The page that acts on many credits: it shows what will happen, and records it as one act."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.amendment import WHY
from webapp.domain.errors import ActChanged, ActsNotAllowed, InvalidFields, Problem
from webapp.domain.fields import quantity_text, tonnes
from webapp.domain.lifecycle import EventType, Status
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import acts_on_many, listing, present_words, summaries
from webapp.ledger.acts_on_many import ActPlan, ActRequest, ActResult
from webapp.ledger.views import CreditView
from webapp.web import query_parameters
from webapp.web.act_address import ALL, CHOSEN, PARAMETERS, PARTS, PATH, REPEATED, ActAddress
from webapp.web.act_forms import AMEND_FORMS, FORMS, ActForm, AmendManyForm
from webapp.web.labels import EVENT_LABELS

pages = Blueprint("acts_on_many", __name__)

_CHANGED: Final = "The quantities were changed. This is what is taken now."
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
    def has_form(self) -> bool:
        """Whether the page has the fields of the act: there are credits to act on, or words to keep."""
        if self.plan is None:
            return request.method == "POST"
        return not self.plan.refused or bool(self.problems)

    def part_text(self, credit: CreditView, quantity_e4: int) -> str:
        """Return the quantity in the field of a credit: as it was typed, or what is taken of it."""
        return self.address.parts.get(credit.created_position) or quantity_text(quantity_e4)

    @property
    def has_other_parts(self) -> bool:
        """Whether the submitted quantities of the credits are others than the page showed."""
        if self.plan is None or self.plan.fingerprint != request.form.get("shown"):
            return False
        shown = [
            (str(credit.created_position), self.part_text(credit, quantity_e4))
            for credit, quantity_e4 in self.plan.chosen
        ]
        typed = list(zip(request.form.getlist(CHOSEN), request.form.getlist("part"), strict=False))
        return bool(typed) and typed != shown

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
        if self.plan is None or self.problems:
            return f"{self.verb} credits"
        return f"{self.verb} {tonnes(self.plan.quantity_e4)}"

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
    stated = ActAddress.read(request.args)
    if request.method == "POST" and (repeated := acts_on_many.repeated_act(stated.event_type, request_key())):
        return _done(repeated)
    update = request.form.get("update", "")
    page = _planned(stated.updated(request.form, update))
    if not update and page.has_other_parts:
        page = _planned(page.address.updated(request.form, PARTS))
    if page.problems:
        return _page(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    if page.plan is None or update or request.method != "POST":
        return _page(page)
    if page.address != stated:
        return _page(replace(page, message=_CHANGED))
    if not page.form.validate():
        return _page(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _record(page, page.plan)


def _planned(address: ActAddress) -> ActPage:
    """Return the page with the plan without the fields of the act, or with the problems of the selection."""
    amends = address.amends
    try:
        if address.is_unfinished:
            return ActPage(address, None, _form_of(address.event_type, amends))
        plan = acts_on_many.plan_act(ActRequest(address.event_type, address.selection(), None))
    except InvalidFields as refusal:
        form = _form_of(address.event_type, amends)
        return ActPage(address, _plan_of_wholes(address), form, refusal.problems)
    form = _form_of(address.event_type, amends or _amended_of(plan))
    if isinstance(form, AmendManyForm):
        form.present = _present_words(plan, form)
    return ActPage(address, plan, form)


def _present_words(plan: ActPlan, form: AmendManyForm) -> dict[str, list[str]]:
    """Return the different present words of the events to amend, by name; empty for events without one."""
    keys = [plan.histories[each.credit.id].key for each in plan.chosen]
    words = present_words.words_of_last(keys, form.event_type)
    names = [field.name for field in form.table if field is not WHY]
    return {name: list(dict.fromkeys(said.get(name, "") for said in words)) for name in names}


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


def _record(page: ActPage, plan: ActPlan) -> AnyResponse:
    form, event_type = page.form, page.address.event_type
    amends = getattr(form, "event_type", None) if event_type is EventType.AMENDED else None
    try:
        stated = acts_on_many.stating(plan, form.stated, amends)
        if not form.accepts(stated.warnings):
            return _page(page, HTTPStatus.UNPROCESSABLE_ENTITY)
        result = acts_on_many.record_act(stated, actor(), request_key(), form.shown.data or "")
    except InvalidFields as refusal:
        form.show(refusal.problems)
        return _page(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    except (ActChanged, ActsNotAllowed) as refusal:
        return _page(replace(_planned(page.address), message=str(refusal)), HTTPStatus.CONFLICT)
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
