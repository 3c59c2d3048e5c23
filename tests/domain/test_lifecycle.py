import pytest

from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyCancelled,
    AlreadyRetired,
    AlreadySold,
    AlreadySplit,
    AlreadyWithdrawn,
)
from webapp.domain.lifecycle import (
    ALLOWED_ACTIONS,
    COUNTED,
    FIRST,
    HOLDING,
    NOT_HOLDING,
    STATUS_AFTER,
    EventType,
    Status,
    last_counting,
    require_allowed,
    sale_in_force,
)

ALLOWED = {
    (Status.ACTIVE, EventType.SOLD),
    (Status.ACTIVE, EventType.RETIRED),
    (Status.ACTIVE, EventType.WITHDRAWN),
    (Status.ACTIVE, EventType.SPLIT),
    (Status.ACTIVE, EventType.CANCELLED),
    (Status.SOLD, EventType.SALE_REVERSED),
    (Status.SOLD, EventType.RETIRED),
    (Status.SOLD, EventType.WITHDRAWN),
    (Status.SOLD, EventType.SPLIT),
}
COUNTING = [each for each in EventType if each is not EventType.AMENDED]
AT = "2026-11-20T00:00:00.000000Z"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", COUNTING)
def test_an_action_is_allowed_exactly_in_the_documented_statuses(status: Status, act: EventType) -> None:
    if (status, act) in ALLOWED:
        require_allowed("id", status, act, AT)
        assert act in ALLOWED_ACTIONS[status]
    else:
        with pytest.raises(ActionNotAllowed):
            require_allowed("id", status, act, AT)
        assert act not in ALLOWED_ACTIONS[status]


@pytest.mark.parametrize("status", Status)
def test_an_amendment_is_allowed_in_every_status(status: Status) -> None:
    require_allowed("id", status, EventType.AMENDED, AT)


def test_every_counting_event_gives_a_status_and_the_first_gives_active() -> None:
    assert set(STATUS_AFTER) == set(COUNTING)
    assert STATUS_AFTER[FIRST] is Status.ACTIVE
    assert set(ALLOWED_ACTIONS) == set(Status)


@pytest.mark.parametrize("last", COUNTING)
@pytest.mark.parametrize("amendments", [0, 1, 3])
def test_amendments_leave_the_last_counting_event_in_place(last: EventType, amendments: int) -> None:
    assert last_counting([EventType.CREATED, last, *[EventType.AMENDED] * amendments]) is last


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("CREATED", None),
        ("CREATED SOLD AMENDED", 1),
        ("CREATED SOLD RETIRED AMENDED", 1),
        ("CREATED SOLD SALE_REVERSED", None),
        ("CREATED SOLD SALE_REVERSED AMENDED RETIRED", None),
        ("CREATED SOLD SALE_REVERSED SOLD SPLIT", 3),
    ],
)
def test_the_sale_that_stands_is_the_last_one_unless_it_was_reversed(
    history: str, expected: int | None
) -> None:
    assert sale_in_force([EventType(each) for each in history.split()]) == expected


@pytest.mark.parametrize("end", sorted(set(Status) - {Status.ACTIVE, Status.SOLD}))
def test_no_action_is_allowed_in_a_final_status(end: Status) -> None:
    assert ALLOWED_ACTIONS[end] == ()


def test_a_withdrawn_credit_is_not_counted_but_holds_its_numbers() -> None:
    assert set(HOLDING) - set(COUNTED) == {Status.WITHDRAWN}


def test_neither_a_split_nor_a_cancelled_credit_holds_anything() -> None:
    assert set(Status) - set(HOLDING) == set(NOT_HOLDING) == {Status.SPLIT, Status.CANCELLED}


@pytest.mark.parametrize(
    ("status", "act", "kind", "sentence"),
    [
        (Status.RETIRED, EventType.RETIRED, AlreadyRetired, "was retired at {} and cannot be retired again."),
        (Status.RETIRED, EventType.SOLD, AlreadyRetired, "was retired at {} and cannot be sold."),
        (Status.SOLD, EventType.SOLD, AlreadySold, "was sold at {} and cannot be sold again."),
        (Status.SOLD, EventType.CANCELLED, AlreadySold, "was sold at {} and cannot be cancelled."),
        (Status.SPLIT, EventType.RETIRED, AlreadySplit, "was split at {} and cannot be retired."),
        (Status.SPLIT, EventType.SPLIT, AlreadySplit, "was split at {} and cannot be split again."),
        (
            Status.RETIRED,
            EventType.SALE_REVERSED,
            AlreadyRetired,
            "was retired at {}: its sale cannot be reversed.",
        ),
        (
            Status.ACTIVE,
            EventType.SALE_REVERSED,
            ActionNotAllowed,
            "is not sold, so there is no sale to reverse.",
        ),
        (Status.CANCELLED, EventType.SOLD, AlreadyCancelled, "was cancelled at {} and cannot be sold."),
        (
            Status.WITHDRAWN,
            EventType.RETIRED,
            AlreadyWithdrawn,
            "was cancelled at the registry at {} and cannot be retired.",
        ),
        (
            Status.RETIRED,
            EventType.WITHDRAWN,
            AlreadyRetired,
            "was retired at {} and cannot be cancelled at the registry.",
        ),
    ],
)
def test_the_error_has_the_status_of_the_credit_and_its_time(
    status: Status, act: EventType, kind: type[ActionNotAllowed], sentence: str
) -> None:
    with pytest.raises(kind) as refusal:
        require_allowed("id", status, act, AT)
    assert str(refusal.value) == "This credit " + sentence.format(AT)
    facts = refusal.value
    assert (facts.credit_id, facts.status, facts.action, facts.since) == ("id", status, act, AT)
