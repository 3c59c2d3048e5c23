"""The page of the ledger's integrity: the checks, what was signed, and comparisons with what people kept."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from flask import Blueprint, flash, redirect, url_for
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as AnyResponse
from wtforms import TextAreaField

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import BrokenLog, CheckedJustNow, InvalidFields, LedgerBusy
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key, without_idempotency_key
from webapp.ledger import digest_comparison, integrity
from webapp.ledger.integrity import FindingKind
from webapp.ledger.transparency import checkpoints, destinations, kept_checkpoints
from webapp.ledger.transparency.checkpoints import State, Tree
from webapp.web import actor_names, query_parameters

LISTED: Final = 20
KEPT_BYTES_MAX: Final = 1_000_000
# How a line of a signature begins, which a checkpoint has and a digest has not.
_SIGNATURE: Final = "\u2014 "

_SIGNS: Final = {
    Tree.EVENTS: "Signs the events, and with them statements",
    Tree.ACCOUNTS: "Signs the account log",
}

pages = Blueprint("integrity", __name__)


class Meaning(NamedTuple):
    """What findings of a kind mean: a title, what happened, and what to do about it."""

    title: str
    means: str
    what_to_do: str


MEANINGS: Final[Mapping[FindingKind, Meaning]] = {
    FindingKind.EVENT: Meaning(
        "An event was changed",
        "Its text, its hash or its place in the history of its credit is not what was recorded, or a split "
        "or replacement does not add up. The program never does this; somebody changed the database.",
        "Compare with a backup or an export from before. Do not go on recording until it is explained.",
    ),
    FindingKind.ORDER: Meaning(
        "The order of events is broken",
        "A position is missing or used for another event, or its time is impossible: earlier than the event "
        "before it, later than now, or before 1990. An event was removed, inserted or moved, or a clock "
        "was wrong.",
        "Compare the digest of an earlier day: it says up to where the log is as it was.",
    ),
    FindingKind.DIGEST: Meaning(
        "The log does not begin with the digest that was expected",
        "Since that digest was kept, an event was changed, moved or removed, even if all else is consistent.",
        "Compare with a backup or an export from then.",
    ),
    FindingKind.CHECKPOINT: Meaning(
        "The log is not the one that was signed",
        "A checkpoint was signed for other events, or for more than there are: events were changed, removed "
        "or inserted since, an older backup was restored, or a stored checkpoint was forged.",
        "Compare with a backup from then. The events that were signed are the ones that others have seen.",
    ),
    FindingKind.SERIAL_NUMBER: Meaning(
        "Two credits name one serial number",
        "Two credits have the same serial number or numbers in common. They were recorded before a rule "
        "refused this, or by another program. The credit recorded first holds the numbers.",
        "Void the one that was recorded in error.",
    ),
    FindingKind.DERIVED: Meaning(
        "Something derived differs from the log",
        "A status, a total, a name or a row of an index is not what the events give. The log is intact; "
        "lists and totals may show something wrong.",
        "An administrator of the machine runs “flask rebuild”, which makes it anew from the log.",
    ),
    FindingKind.ACTOR: Meaning(
        "An event names somebody who could not record it",
        "By the account log the person or token did not exist then, was disabled, revoked or expired, or had "
        "a role that records nothing. The event was written around the program, or the account log was "
        "changed.",
        "Ask the person named, and compare with a backup or an export from before.",
    ),
    FindingKind.ACCOUNT: Meaning(
        "A person, token or session is not accounted for",
        "Its row differs from what the account log says, is not in it, or has no code of this program; or an "
        "entry of the account log contradicts the ones before it. Somebody changed the database around the "
        "program.",
        "Disable the person or revoke the token named, and set a new password. Nobody can sign in with a "
        "token or a session without a valid code.",
    ),
    FindingKind.SCHEMA: Meaning(
        "A protection of the database was changed",
        "A table, trigger, index or constraint is missing, changed or added. What it refuses may have been "
        "stored since.",
        "An administrator of the machine compares it with the migrations, and checks again afterwards.",
    ),
    FindingKind.FILE: Meaning(
        "The database file is damaged",
        "Pages of the file are inconsistent, often by a fault of a disk or a copy that was made wrongly.",
        "Keep the file as it is, and restore the last backup.",
    ),
    FindingKind.LEDGER: Meaning(
        "The tonnes or the tables of the ledger do not add up",
        "A part of it could not be compared, or what is active, sold, retired and void is not what was "
        "recorded.",
        "Look at the other findings first; they usually say why.",
    ),
}


class CheckForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form without fields, for the CSRF token."""


class CompareForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A digest or a signed checkpoint, as text or as a file."""

    kept = TextAreaField("Digest or checkpoint")
    file = FileField("or a file that has it")


@pages.get("/integrity")
@allows(Role.VIEWER)
@query_parameters.reads()
def show() -> AnyResponse:
    """Show the last check and the earlier ones."""
    return _page(CompareForm())


@pages.post("/integrity")
@allows(Role.OPERATOR)
def start() -> AnyResponse:
    """Ask for a check of the whole ledger."""
    try:
        started = integrity.start_check(actor(), request_key())
    except CheckedJustNow as refusal:
        flash(str(refusal), "warning")
        return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)
    note_replay(is_replay=started.is_replay)
    flash_success("The check begins." if started.is_new else "A check is under way already.", "info")
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


@pages.post("/integrity/compare")
@allows(Role.VIEWER)
@without_idempotency_key("it records nothing")
def compare() -> AnyResponse:
    """Compare a digest or a checkpoint with the ledger."""
    form = CompareForm()
    text = form.kept.data or ""
    if form.file.data is not None and form.file.data.filename:
        text = form.file.data.stream.read(KEPT_BYTES_MAX).decode(errors="replace")
    try:
        if _SIGNATURE in text:
            return _page(form, continued=kept_checkpoints.compare(text))
        return _page(form, compared=digest_comparison.compare(text))
    except InvalidFields as refusal:
        form.kept.errors = [problem.message for problem in refusal.problems]
        return _page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    except (LedgerBusy, BrokenLog) as refusal:
        form.kept.errors = [str(refusal)]
        return _page(form, HTTPStatus.SERVICE_UNAVAILABLE)


@pages.get("/integrity/compare")
@allows(Role.VIEWER)
@query_parameters.reads()
def compared() -> AnyResponse:
    """Redirect to the page from the address of its form, which the browser shows after it."""
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


def _page(
    form: CompareForm,
    status: HTTPStatus = HTTPStatus.OK,
    compared: digest_comparison.Comparison | None = None,
    continued: kept_checkpoints.Comparison | None = None,
) -> AnyResponse:
    checks = integrity.list_checks(limit=LISTED)
    over = [check for check in checks if check.is_over]
    actor_names.prefetch(check.actor for check in checks)
    log = checkpoints.status()
    return htmx.render(
        "integrity/show.html",
        "integrity/_checks.html",
        status,
        events=integrity.event_count(),
        running=next((check for check in checks if not check.is_over), None),
        last=over[0] if over else None,
        checks=over,
        meanings=MEANINGS,
        check_form=CheckForm(formdata=None),
        compare_form=form,
        compared=compared,
        continued=continued,
        log=log,
        public_keys=_public_keys(),
        is_account_log_signed=checkpoints.status(Tree.ACCOUNTS).state is State.SIGNING,
        deliveries=destinations.deliveries(),
        cosigned=checkpoints.last_cosigned(),
    )


def _public_keys() -> list[tuple[str, str]]:
    """Return what each registered key is for, and the key, as at /log/key but the one in use first."""
    return [
        (f"{signs}, until it was replaced" if number else signs, str(key))
        for tree, signs in _SIGNS.items()
        for number, key in enumerate(reversed(checkpoints.keys_of(tree)))
    ]
