import pytest

from webapp.domain.errors import ActNotAllowed, AlreadyRetired, AlreadySold
from webapp.domain.lifecycle import FIRST, OPEN_ACTS, STATUS_AFTER, EventType, Status, require_allowed

ALLOWED = {
    (Status.ACTIVE, EventType.SOLD),
    (Status.ACTIVE, EventType.RETIRED),
    (Status.SOLD, EventType.RETIRED),
}
AT = "2026-11-20T00:00:00.000000Z"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", EventType)
def test_an_act_is_allowed_exactly_where_the_contract_says_so(status: Status, act: EventType) -> None:
    if (status, act) in ALLOWED:
        require_allowed("id", status, act, AT)
        assert act in OPEN_ACTS[status]
    else:
        with pytest.raises(ActNotAllowed):
            require_allowed("id", status, act, AT)
        assert act not in OPEN_ACTS[status]


def test_every_event_leaves_a_status_behind_and_the_first_leaves_it_active() -> None:
    assert set(STATUS_AFTER) == set(EventType)
    assert STATUS_AFTER[FIRST] is Status.ACTIVE
    assert set(OPEN_ACTS) == set(Status)


def test_nothing_follows_a_retirement() -> None:
    assert OPEN_ACTS[Status.RETIRED] == ()


@pytest.mark.parametrize(
    ("status", "act", "kind", "sentence"),
    [
        (Status.RETIRED, EventType.RETIRED, AlreadyRetired, "was retired at {} and cannot be retired again."),
        (Status.RETIRED, EventType.SOLD, AlreadyRetired, "was retired at {} and cannot be sold."),
        (Status.SOLD, EventType.SOLD, AlreadySold, "was sold at {} and cannot be sold again."),
    ],
)
def test_the_refusal_says_what_the_credit_is_and_since_when(
    status: Status, act: EventType, kind: type[ActNotAllowed], sentence: str
) -> None:
    with pytest.raises(kind) as refusal:
        require_allowed("id", status, act, AT)
    assert str(refusal.value) == "This credit " + sentence.format(AT)
    facts = refusal.value
    assert (facts.credit_id, facts.status, facts.act, facts.since) == ("id", status, act, AT)
