"""`ETag` and `If-Match`: the tag of a record is the number of its last event, in quotes.

With `If-Match`, a client makes an action fail if the record has changed since it was read. The tag is not
for caches: the response for a record also changes when its lots change, although the record gets no event.
"""

import re
from typing import Final

from flask import request

from webapp.domain.errors import InvalidFields, Problem
from webapp.ledger.views import ExpectedSeqs, Record

IF_MATCH: Final = "If-Match"
ANY: Final = "*"
_TAG: Final = r'(?:W/)?"[!#-~]*"'
_TAGS: Final = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")
# If-Match never matches a weak tag (RFC 9110, 13.1.1). Numbers have no leading zeros.
_SEQ: Final = re.compile(r'"([1-9][0-9]{0,8})"')


def etag(record: Record) -> str:
    """Return the entity tag of the record."""
    return f'"{record.events[-1].seq}"'


def expected_seqs() -> ExpectedSeqs:
    """Return the numbers of the last event that `If-Match` allows, None for any. Raises InvalidFields."""
    given = request.headers.get(IF_MATCH)
    if given is None or given.strip() == ANY:
        return None
    if not _TAGS.fullmatch(given.strip()):
        message = 'Must be the ETag of the record in its quotes, such as "3", or *.'
        raise InvalidFields([Problem(IF_MATCH, message)])
    found = (_SEQ.fullmatch(tag) for tag in re.findall(_TAG, given))
    return frozenset(int(seq[1]) for seq in found if seq)
