"""The operations on the feed and on the checks of the ledger. See ``operations``."""

from http import HTTPStatus
from typing import Final

from webapp.api import feed_parameters, feed_schemas, integrity_schemas, query_parameters
from webapp.api.operation import Answer, Operation

_NO_CHECK: Final = {HTTPStatus.NOT_FOUND: "No check has this number, or it is no longer kept."}

LIST_EVENTS: Final = Operation(
    tag="Events",
    summary="Follow the feed",
    description="Oldest first, with the positions 1, 2, 3 … without gaps. `resume` is the URL of the events "
    "after these, also where there are none yet. A reader that stores it and continues there reads every "
    "event exactly once. Filters compare what was recorded; an amendment is an event of its own. One "
    "request looks at 10,000 events at most: where few match, `items` may be empty while `next` leads on.",
    query=(
        query_parameters.TYPE,
        feed_parameters.PARTY,
        feed_parameters.SUBJECT,
        feed_parameters.IMPORT_OF_EVENT,
        feed_parameters.RECORDED_FROM,
        feed_parameters.RECORDED_TO,
        feed_parameters.HAPPENED_FROM,
        feed_parameters.HAPPENED_TO,
        feed_parameters.AFTER,
        query_parameters.LIMIT_OF_PAGE,
        query_parameters.CURSOR,
    ),
    answers={HTTPStatus.OK: Answer("A page of events.", feed_schemas.EventPage)},
)

LIST_CHECKS: Final = Operation(
    tag="Integrity",
    summary="List the checks of the ledger",
    description="Newest first. The newest 100 are kept, those of `flask verify` among them.",
    query=(query_parameters.LIMIT_OF_PAGE, query_parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of checks.", integrity_schemas.CheckPage)},
)

GET_CHECK: Final = Operation(
    tag="Integrity",
    summary="Read a check",
    answers={HTTPStatus.OK: Answer("Its progress and its result.", integrity_schemas.IntegrityCheck)},
    problems=_NO_CHECK,
)

START_CHECK: Final = Operation(
    tag="Integrity",
    summary="Check the whole ledger",
    description="Everything stored is compared with the log, in the background. While a check waits or "
    "runs, the answer is that one. It changes nothing but the list of checks.",
    answers={
        HTTPStatus.ACCEPTED: Answer(
            "The check; `Location` has its progress.", integrity_schemas.IntegrityCheck, has_location=True
        )
    },
    problems={HTTPStatus.TOO_MANY_REQUESTS: "The last check ended less than a minute ago."},
)
