import pytest

from webapp.domain.errors import ActNotAllowed, AlreadyCancelled, AlreadyRetired, AlreadySold, AlreadySplit
from webapp.domain.lifecycle import (
    ALLOWED_ACTIONS,
    COUNTED,
    FIRST,
    STATUS_AFTER,
    EventType,
    Status,
    require_allowed,
)

ALLOWED = {
    (Status.ACTIVE, EventType.SOLD),
    (Status.ACTIVE, EventType.RETIRED),
    (Status.ACTIVE, EventType.SPLIT),
    (Status.ACTIVE, EventType.CANCELLED),
    (Status.SOLD, EventType.RETIRED),
    (Status.SOLD, EventType.SPLIT),
}
AT = "2026-11-20T00:00:00.000000Z"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", EventType)
def test_an_action_is_allowed_exactly_in_the_documented_statuses(status: Status, act: EventType) -> None:
    if (status, act) in ALLOWED:
        require_allowed("id", status, act, AT)
        assert act in ALLOWED_ACTIONS[status]
    else:
        with pytest.raises(ActNotAllowed):
            require_allowed("id", status, act, AT)
        assert act not in ALLOWED_ACTIONS[status]


def test_every_event_type_gives_a_status_and_the_first_gives_active() -> None:
    assert set(STATUS_AFTER) == set(EventType)
    assert STATUS_AFTER[FIRST] is Status.ACTIVE
    assert set(ALLOWED_ACTIONS) == set(Status)


@pytest.mark.parametrize("end", [Status.RETIRED, Status.SPLIT, Status.CANCELLED])
def test_no_action_is_allowed_in_a_final_status(end: Status) -> None:
    assert ALLOWED_ACTIONS[end] == ()


def test_neither_a_split_nor_a_cancelled_credit_is_counted() -> None:
    assert set(Status) - set(COUNTED) == {Status.SPLIT, Status.CANCELLED}


@pytest.mark.parametrize(
    ("status", "act", "kind", "sentence"),
    [
        (Status.RETIRED, EventType.RETIRED, AlreadyRetired, "was retired at {} and cannot be retired again."),
        (Status.RETIRED, EventType.SOLD, AlreadyRetired, "was retired at {} and cannot be sold."),
        (Status.SOLD, EventType.SOLD, AlreadySold, "was sold at {} and cannot be sold again."),
        (Status.SOLD, EventType.CANCELLED, AlreadySold, "was sold at {} and cannot be cancelled."),
        (Status.SPLIT, EventType.RETIRED, AlreadySplit, "was split at {} and cannot be retired."),
        (Status.SPLIT, EventType.SPLIT, AlreadySplit, "was split at {} and cannot be split again."),
        (Status.CANCELLED, EventType.SOLD, AlreadyCancelled, "was cancelled at {} and cannot be sold."),
    ],
)
def test_the_error_has_the_status_of_the_credit_and_its_time(
    status: Status, act: EventType, kind: type[ActNotAllowed], sentence: str
) -> None:
    with pytest.raises(kind) as refusal:
        require_allowed("id", status, act, AT)
    assert str(refusal.value) == "This credit " + sentence.format(AT)
    facts = refusal.value
    assert (facts.credit_id, facts.status, facts.action, facts.since) == ("id", status, act, AT)
