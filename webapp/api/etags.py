"""`ETag` and `If-Match`: the tag of a record is the number of its last event, in quotes.

A client that has looked at a record can so say that its act is meant to follow what it saw. Nothing
is kept in caches by the tag: what a record says of its lots changes without an event of its own.
"""

import re
from typing import Final

from flask import request

from webapp.domain.errors import InvalidFields, Problem
from webapp.ledger.commands import ExpectedSeqs
from webapp.ledger.views import Record

IF_MATCH: Final = "If-Match"
ANY: Final = "*"
_TAG: Final = r'(?:W/)?"[!#-~]*"'
_TAGS: Final = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")
# A weak tag never matches here (RFC 9110, 13.1.1), and no number has a zero in front.
_SEQ: Final = re.compile(r'"([1-9][0-9]{0,8})"')


def etag(record: Record) -> str:
    """Return the tag of the record as it is here."""
    return f'"{record.events[-1].seq}"'


def expected_seqs() -> ExpectedSeqs:
    """Return which events the act of this request may follow. Raises InvalidFields."""
    given = request.headers.get(IF_MATCH)
    if given is None or given.strip() == ANY:
        return None
    if not _TAGS.fullmatch(given.strip()):
        message = 'Must be the ETag of the record in its quotes, such as "3", or *.'
        raise InvalidFields([Problem(IF_MATCH, message)])
    found = (_SEQ.fullmatch(tag) for tag in re.findall(_TAG, given))
    return frozenset(int(seq[1]) for seq in found if seq)
