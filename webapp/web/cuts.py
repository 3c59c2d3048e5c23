"""Addresses of pages that have the two cuts, `as_of` and `known_at`. See "As of" in docs/ledger.md."""

from collections.abc import Callable
from datetime import date
from typing import Final
from urllib.parse import urlencode

from flask import request

from webapp.domain.errors import InvalidFields, Problem
from webapp.ledger.as_of import Cut
from webapp.web import downloads
from webapp.web.as_of import CUTS


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
    kept = request.args if path is None else {name: request.args.get(name) for name in CUTS}
    query = urlencode([(name, value) for name, value in {**kept, **changes}.items() if value])
    return f"{path or request.path}?{query}" if query else path or request.path


def with_cuts(target: str) -> str:
    """Return the address of another page as of the same day and known at the same time as this one."""
    query = urlencode([(name, request.args[name]) for name in CUTS if request.args.get(name)])
    return f"{target}{'&' if '?' in target else '?'}{query}" if query else target


FILTERS: Final[dict[str, Callable[[str], str]]] = {"with_cuts": with_cuts}


def file_name(name: str, q: str, cut: Cut) -> str:
    """Return the name of a file: that of the list, the words that were searched for, and the cuts."""
    as_of = ["as-of", cut.as_of] if cut.as_of else []
    return downloads.file_name(name, [q, *as_of, "known", cut.known_at[:10]])


def permanent_address(cut: Cut) -> str:
    """Return the address that will show the same as this page does now."""
    return address(as_of=cut.as_of, known_at=cut.known_at)
