"""The two cuts of a request, and how an answer states them. See "As of" in docs/ledger.md."""

from urllib.parse import urlencode

from flask import current_app, request

from webapp.api import balance_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api.query_parameters import Values
from webapp.ledger import as_of
from webapp.ledger.as_of import Cut


def stated_cut(values: Values) -> Cut:
    """Return the cuts of the query. Raises InvalidFields."""
    zone = current_app.config["REPORT_TIMEZONE"]
    return as_of.cut(values[parameters.AS_OF] or None, values[parameters.KNOWN_AT] or None, time_zone=zone)


def cut_body(cut: Cut) -> schemas.Cut:
    return schemas.Cut(cut.as_of, cut.known_at, cut.position, cut.time_zone, cut_url(cut))


def cut_url(cut: Cut, **more: object) -> str:
    """Return the address of this answer with both cuts, so that it stays the same."""
    kept = {name: text for name, text in request.args.items() if text}
    day = {} if cut.as_of is None else {"as_of": cut.as_of}
    return f"{request.path}?{urlencode({**kept, **day, 'known_at': cut.known_at, **more})}"
