"""The two cuts of a page in its address: `as_of` and `known_at`. See "As of" in docs/ledger.md."""

from datetime import date
from typing import Final
from urllib.parse import urlencode

from flask import current_app, request

from webapp.domain.errors import InvalidFields, Problem
from webapp.ledger import as_of
from webapp.ledger.as_of import Cut

PARAMETERS: Final = ("as_of", "known_at")


def requested_cut() -> Cut:
    """Return the cuts that the address states, now by default. Raises InvalidFields and LedgerBusy."""
    stated = (request.args.get(name) or None for name in PARAMETERS)
    return as_of.cut(*stated, time_zone=current_app.config["REPORT_TIMEZONE"])


def requested_day(name: str) -> str | None:
    """Return a day of the address, None if it is not there. Raises InvalidFields."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidFields([Problem(name, "Must be a day such as 2026-12-31.")]) from None


def address(path: str | None = None, **changes: str | int | None) -> str:
    """Return the address of this page, or of another path, with its query changed; None leaves a name out.

    Another path keeps the cuts alone.
    """
    kept = request.args if path is None else {name: request.args.get(name) for name in PARAMETERS}
    query = urlencode([(name, value) for name, value in {**kept, **changes}.items() if value])
    return f"{path or request.path}?{query}" if query else path or request.path


def permanent_address(cut: Cut) -> str:
    """Return the address that will show the same as this page does now."""
    return address(as_of=cut.as_of, known_at=cut.known_at)
