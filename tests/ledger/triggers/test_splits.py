"""The triggers and constraints of both databases refuse invalid splits, lots and replacements."""

from dataclasses import replace

import pytest

from tests.ledger.triggers.rows import (
    LATER,
    REFUSALS,
    Family,
    assert_insert_refused,
    assert_refused,
    event_row,
    first_event,
    insert,
    key_of,
    log_of,
    next_event,
    next_key,
    rolled_back,
)
from webapp.domain.canonical_json import encode
from webapp.domain.credit import Credit
from webapp.domain.event import Event, created_event
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.domain.split import LotPlace, lots_of, split_data, split_events

Sealed = list[Event]
WHOLE = Credit("Mangrove Restoration Project", "VCS", 2023, 100 * E4, "VCS-0001")


def sealed(family: Family, quantities: list[int], credit_id: str | None = None) -> Sealed:
    """Return the events of a well-formed split into these tonnes, even if the sum is wrong."""
    whole = replace(WHOLE, quantity_e4=sum(quantities) * E4)
    place = LotPlace("VCS-0001", 0, whole.quantity_e4)
    parts = lots_of(whole, place, [q * E4 for q in quantities], None)
    of = credit_id or family.active
    parts = [replace(part, parent=of) for part in parts]
    split = next_event(family.raw, of, "SPLIT", data=split_data(parts))
    return split_events(split, parts, None)


def row_of(family: Family, events: Sealed, credit_id: str | None = None) -> dict[str, object]:
    envelope = [{"hash": event.hash, "body": event.text} for event in events]
    return {"subject": key_of(family.raw, credit_id or events[0].credit_id), "envelope": encode(envelope)}


def changed(events: Sealed, place: int, **data: str | int | list[str]) -> Sealed:
    """Return the events with other data in one of them."""
    event = events[place]
    return [*events[:place], replace(event, data={**event.data, **data}), *events[place + 1 :]]


def test_an_honest_split_is_accepted(family: Family) -> None:
    with rolled_back(family.raw):
        events = sealed(family, [25, 75])
        first = next_key(family.raw)
        insert(family.raw, "splits", row_of(family, events))
        query = "SELECT key, id FROM credits WHERE parent = ? ORDER BY key"
        lots = [(first, events[1].credit_id), (first + 1, events[2].credit_id)]
        found = family.raw.execute(query, key_of(family.raw, family.active))
        assert [(key, lot_id.hex()) for key, lot_id in found] == lots


def test_lots_that_do_not_partition_their_parent_are_refused(family: Family) -> None:
    honest = sealed(family, [25, 75])
    for events in (
        sealed(family, [25, 74]),  # less than the whole
        sealed(family, [25, 76]),  # more than the whole
        changed(honest, 2, offset="24"),  # an overlap
        changed(honest, 2, offset="26"),  # a gap
        changed(honest, 2, offset="0"),  # in the same place
        changed(changed(honest, 1, offset="1"), 2, offset="26"),  # does not begin at the beginning
        changed(honest, 1, quantity="26"),
        changed(honest, 1, project_name="Another"),
        changed(honest, 1, registry="GS"),
        changed(honest, 1, vintage=2022),
        honest[:2],  # a lot is missing
        honest[1:],  # lots without their split
        honest[:1],  # a split without lots
        [],
        sealed(family, [100, 100])[:2],  # one lot of the whole
        [honest[0], *changed(honest, 2, parent=family.sold)[1:]],  # a lot of somebody else
    ):
        assert_insert_refused(family.raw, "splits", row_of(family, events, family.active))


@pytest.mark.parametrize(
    "stated",
    [
        ["75", "25"],
        ["25", "76"],
        ["25"],
        ["25", "75", "0"],
        ["25.0", "75"],
        [25, 75],
        [],
        "25",
        None,
        {"0": "25"},
    ],
    ids=repr,
)
def test_a_split_that_states_other_quantities_than_its_lots_have_is_refused(
    family: Family, stated: list[str]
) -> None:
    events = changed(sealed(family, [25, 75]), 0, quantities=stated)
    with pytest.raises(REFUSALS, match="must state the quantities of its lots"):
        insert(family.raw, "splits", row_of(family, events))
    assert_insert_refused(family.raw, "splits", row_of(family, events))


def test_a_split_that_states_no_quantities_is_refused(family: Family) -> None:
    honest = sealed(family, [25, 75])
    assert_insert_refused(family.raw, "splits", row_of(family, [replace(honest[0], data={}), *honest[1:]]))


def test_a_split_of_a_hundred_lots_states_them_in_the_order_of_their_places(family: Family) -> None:
    with rolled_back(family.raw):
        insert(family.raw, "splits", row_of(family, sealed(family, [1] * 99 + [1])))


def test_lots_of_a_sold_credit_without_the_sale_are_refused(family: Family) -> None:
    events = sealed(family, [25, 75], family.sold)
    assert_insert_refused(family.raw, "splits", row_of(family, events))
    sale = Event(events[1].credit_id, 2, EventType.SOLD, {}, "local", LATER, events[1].hash)
    assert_insert_refused(family.raw, "splits", row_of(family, [*events, sale]))


def test_lots_of_an_unsold_credit_that_bring_a_sale_are_refused(family: Family) -> None:
    events = sealed(family, [25, 75])
    sale = Event(events[1].credit_id, 2, EventType.SOLD, {}, "local", LATER, events[1].hash)
    assert_insert_refused(family.raw, "splits", row_of(family, [*events, sale]))


def test_a_lot_without_its_split_is_refused(family: Family) -> None:
    for parent in (family.active, family.split, "e" * 64):
        lot = first_event(parent=parent, offset="0", serial_number="1–1 of 10")  # noqa: RUF001
        assert_insert_refused(family.raw, "events", event_row(family.raw, lot))
    for data in ({"parent": family.split}, {"offset": "0"}, {"parent": 7, "offset": "0"}):
        assert_insert_refused(family.raw, "events", event_row(family.raw, first_event(**data)))


def test_a_split_without_its_row_of_splits_is_refused(family: Family) -> None:
    for credit_id in (family.active, family.sold):
        split = next_event(family.raw, credit_id, "SPLIT", data={"quantities": ["25", "75"]})
        assert_insert_refused(family.raw, "events", event_row(family.raw, split))


def test_a_second_split_is_refused(family: Family) -> None:
    assert_insert_refused(family.raw, "splits", row_of(family, sealed(family, [3, 7], family.split)))
    for event_type in ("SPLIT", "SOLD", "RETIRED", "CANCELLED"):
        event = next_event(family.raw, family.split, event_type)
        assert_insert_refused(family.raw, "events", event_row(family.raw, event))


def test_a_split_of_a_credit_that_is_not_there_is_refused(family: Family) -> None:
    row = row_of(family, sealed(family, [25, 75]))
    for subject in (next_key(family.raw), 99, 0, -1, None):
        assert_insert_refused(family.raw, "splits", row | {"subject": subject})
        assert_insert_refused(family.raw, "splits", {"subject": subject, "envelope": "[]"})


@pytest.mark.parametrize("envelope", ["", "x", "{}", "[1]", "[[]]", '[{"hash":"x"}]', None, b"[]"], ids=repr)
def test_a_malformed_envelope_is_refused(family: Family, envelope: object) -> None:
    subject = key_of(family.raw, family.active)
    assert_insert_refused(family.raw, "splits", {"subject": subject, "envelope": envelope})


def test_an_envelope_that_holds_more_than_its_split_is_refused(family: Family) -> None:
    honest = sealed(family, [25, 75])
    others = (
        next_event(family.raw, family.lots[0], "CANCELLED", data={"reason": "x"}),
        next_event(family.raw, family.sold, "RETIRED"),
        first_event(serial_number="VCS-0009"),
        honest[1],
        Event(honest[1].credit_id, 2, EventType.RETIRED, {}, "local", LATER, honest[1].hash),
    )
    for other in others:
        assert_insert_refused(family.raw, "splits", row_of(family, [*honest, other]))


def test_lots_that_do_not_come_in_the_order_of_their_places_are_refused(family: Family) -> None:
    split, first, second = sealed(family, [25, 75])
    assert_insert_refused(family.raw, "splits", row_of(family, [split, second, first]))


@pytest.mark.parametrize("spelling", ["upper", "short", "long"])
def test_the_hashes_in_an_envelope_are_64_lower_case_hexadecimal_digits(
    family: Family, spelling: str
) -> None:
    row = row_of(family, sealed(family, [25, 75]))
    for event in sealed(family, [25, 75]):
        envelope = str(row["envelope"])
        assert envelope.count(f'"hash":"{event.hash}"') == 1
        wrong = {"upper": event.hash.upper(), "short": event.hash[:-1], "long": f"{event.hash}0"}[spelling]
        bad = envelope.replace(f'"hash":"{event.hash}"', f'"hash":"{wrong}"')
        assert_insert_refused(family.raw, "splits", row | {"envelope": bad})


def test_a_lot_cannot_be_added_to_a_split_later(family: Family) -> None:
    data = {"registry": "ACR", "project_name": WHOLE.project_name, "vintage": 2023, "parent": family.split}
    for offset, quantity in (("10", "1"), ("0", "4"), ("0", "1"), ("9", "1")):
        lot = first_event(offset=offset, quantity=quantity, **data)
        assert_insert_refused(family.raw, "events", event_row(family.raw, lot))


def test_a_hidden_retirement_in_an_envelope_must_keep_to_the_lifecycle(family: Family) -> None:
    events = sealed(family, [25, 75])
    for event_type in ("SOLD", "RETIRED"):
        hidden = next_event(family.raw, family.cancelled, event_type)
        assert_insert_refused(family.raw, "splits", row_of(family, [*events, hidden]))


def test_a_recorded_split_cannot_be_changed_or_taken_away(family: Family) -> None:
    assert_refused(family.raw, "UPDATE splits SET envelope = envelope")
    assert_refused(family.raw, "UPDATE splits SET subject = subject")
    assert_refused(family.raw, "DELETE FROM splits")
    if family.raw.dialect == "postgresql":
        assert_refused(family.raw, "TRUNCATE splits")
    for column in ("parent", "offset_e4", "replaces"):
        assert_refused(family.raw, f"UPDATE credits SET {column} = {column}")


@pytest.mark.parametrize("clause", ["OR REPLACE", "OR IGNORE", "OR FAIL", "OR ROLLBACK"])
def test_no_conflict_clause_of_sqlite_accepts_an_invalid_split(family: Family, clause: str) -> None:
    if family.raw.dialect == "postgresql":
        clause = ""
    before = log_of(family.raw)
    honest = sealed(family, [25, 75])
    for events, credit_id in (
        (sealed(family, [25, 74]), family.active),
        (changed(honest, 2, offset="24"), family.active),
        (changed(honest, 1, vintage=1), family.active),
        (sealed(family, [3, 7], family.split), family.split),
    ):
        with pytest.raises(REFUSALS):
            insert(family.raw, "splits", row_of(family, events, credit_id), clause)
    assert log_of(family.raw) == before


def test_a_lot_can_be_cancelled_once(family: Family) -> None:
    event = next_event(family.raw, family.lots[0], "CANCELLED", data={"reason": "x"})
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(family.raw, event))
        again = next_event(family.raw, family.lots[0], "CANCELLED", data={"reason": "x"})
        with pytest.raises(REFUSALS, match="may not follow"):
            insert(family.raw, "events", event_row(family.raw, again))


def test_only_an_active_credit_can_be_cancelled(family: Family) -> None:
    for credit_id in (family.sold, family.split, family.cancelled):
        event = next_event(family.raw, credit_id, "CANCELLED", data={"reason": "x"})
        assert_insert_refused(family.raw, "events", event_row(family.raw, event))


@pytest.mark.parametrize("status", ["active", "sold", "split", "unknown"])
def test_a_replacement_of_a_credit_that_is_not_cancelled_is_refused(family: Family, status: str) -> None:
    replaced = getattr(family, status, "e" * 64)
    event = created_event(replace(WHOLE, replaces=replaced), "local", LATER)
    assert_insert_refused(family.raw, "events", event_row(family.raw, event))


def test_a_replacement_of_a_cancelled_credit_is_accepted(family: Family) -> None:
    event = created_event(replace(WHOLE, replaces=family.cancelled), "local", LATER)
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(family.raw, event))


@pytest.mark.parametrize("clause", ["", "OR REPLACE", "OR IGNORE", "OR FAIL"])
def test_a_second_replacement_of_a_credit_is_refused(family: Family, clause: str) -> None:
    if family.raw.dialect == "postgresql":
        clause = ""
    first, second = (
        created_event(replace(WHOLE, replaces=family.cancelled, vintage=vintage), "local", LATER)
        for vintage in (2021, 2022)
    )
    query = "SELECT id FROM credits WHERE replaces = ?"
    cancelled = key_of(family.raw, family.cancelled)
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(family.raw, first))
        family.raw.execute("SAVEPOINT second")
        with pytest.raises(REFUSALS, match=r"replaced already|uq_credits_replaces"):
            insert(family.raw, "events", event_row(family.raw, second), clause)
        family.raw.execute("ROLLBACK TO second")
        assert family.raw.execute(query, cancelled) == [(bytes.fromhex(first.credit_id),)]
