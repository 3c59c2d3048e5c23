"""The events of a proof: a log that signs anything, and what the script refuses all the same."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.fixtures.proofs import OWN, RETIREMENT, Log, bytes_of, of_a_lot, of_many, of_one_credit
from verify_statement import Report, examine, key_of
from webapp.domain.lifecycle import EventType

# The positions in the document of `of_a_lot`: the root, its amendment and split; the lot, its split; the lot
# of the lot, its retirement, the amendment of that.
ROOT, SPLIT, FIRST, SECOND_SPLIT, LOT, RETIRED, AMENDED = 6, 12, 13, 19, 22, 26, 47
FACTS = ("actor", "prev_hash", "recorded_at", "seq")
ALL = (ROOT, 7, SPLIT, FIRST, SECOND_SPLIT, LOT, RETIRED, AMENDED)


def of(log: Log, positions: Iterable[int]) -> Report:
    return examine(bytes_of(log.document(positions)), [key_of(str(OWN.key))], [])


def without(log: Log, *left_out: int) -> Report:
    return of(log, [position for position in ALL if position not in left_out])


def rewritten(position: int, changes: dict[str, Any]) -> Log:
    """Return the log of `of_a_lot` with other facts of one event, all its chains made again after that.

    A key that is no fact of an event is one of its data.
    """
    log, _ = of_a_lot()
    facts = {name: value for name, value in changes.items() if name in FACTS}
    data = {name: value for name, value in changes.items() if name not in FACTS}
    event = log.events[position - 1]
    log.events[position - 1] = replace(event, data={**event.data, **data}, **facts)
    hashes: dict[str, str] = {}
    for place, each in enumerate(log.events):
        if each.credit_id in hashes:
            log.events[place] = replace(each, prev_hash=hashes[each.credit_id])
        hashes[each.credit_id] = log.events[place].hash
    return log


def test_the_documents_here_are_proven_as_they_are() -> None:
    assert without(of_a_lot()[0]).code == 0


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ((ROOT, 7), "the creation of the credit of event 12 is missing"),
        ((ROOT, 7, SPLIT), "the split that made the lot of event 13 is missing"),
        ((SPLIT,), "the split that made the lot of event 13 is missing"),
        ((FIRST,), "the creation of the credit of event 19 is missing"),
        ((SECOND_SPLIT,), "the split that made the lot of event 22 is missing"),
        ((LOT,), "the creation of the credit of event 26 is missing"),
        ((RETIRED, AMENDED), "the document has no retirement"),
        ((RETIRED,), "the document has no retirement"),
    ],
)
def test_no_event_can_be_left_out(left_out: tuple[int, ...], reason: str) -> None:
    assert without(of_a_lot()[0], *left_out) == Report(1, f"Not valid: {reason}.", [])


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (1, "event 1 does not belong to the retirement"),
        (8, "event 8 does not belong into a proof of a retirement"),
        (15, "event 15 does not belong to the retirement"),
    ],
    ids=["another credit", "the sale, which names a buyer", "the other lot"],
)
def test_no_other_event_can_be_added(position: int, reason: str) -> None:
    assert of(of_a_lot()[0], [*ALL, position]) == Report(1, f"Not valid: {reason}.", [])


NOT_OF_SPLIT = "the lot of event 22 is none of the split that it names"
NOT_DATA = "the data of event 26 are not as a log has them"
NOT_FIELD = "a field of event 26 is not as a log has it"
NOT_AFTER = "event 47 does not follow the event of its credit before it"


@pytest.mark.parametrize(
    ("position", "changes", "reason"),
    [
        (LOT, {"offset": "101"}, NOT_OF_SPLIT),
        (LOT, {"quantity": "151"}, NOT_OF_SPLIT),
        (LOT, {"vintage": 2024}, NOT_OF_SPLIT),
        (LOT, {"facts": {"country": "Kenya"}}, NOT_OF_SPLIT),
        (LOT, {"actor": "user:3"}, NOT_OF_SPLIT),
        (SECOND_SPLIT, {"quantities": ["100", "151", "50"]}, NOT_OF_SPLIT),
        (SECOND_SPLIT, {"quantities": ["100", "150", "51"]}, NOT_OF_SPLIT),
        (RETIRED, {"facts": {"beneficiary": "B"}}, NOT_DATA),
        (RETIRED, {"facts": {"purpose": 1}}, NOT_DATA),
        (RETIRED, {"buyer": "B"}, NOT_DATA),
        (RETIRED, {"reason": 1}, NOT_DATA),
        (RETIRED, {"actor": "user 2"}, NOT_FIELD),
        (RETIRED, {"recorded_at": "today"}, NOT_FIELD),
        (RETIRED, {"seq": 4}, NOT_AFTER),
        (AMENDED, {"recorded_at": "2026-11-19T08:00:00.000000Z"}, NOT_AFTER),
        (AMENDED, {"amends": 2}, "event 47 amends nothing of the retirement"),
        (AMENDED, {"amends": 0}, "event 47 amends nothing of the retirement"),
        (AMENDED, {"amends": 9}, "event 47 amends nothing of the retirement"),
        (7, {"beneficiary": "B"}, "event 7 amends nothing of the retirement"),
        (7, {"amends": 0}, "event 7 amends nothing of the retirement"),
        (ROOT, {"prev_hash": "1" * 64}, "the creation of the credit of event 6 is missing"),
        (ROOT, {"parent": "1" * 64}, "the data of event 6 are not as a log has them"),
        (ROOT, {"quantity": "425.0"}, "the data of event 6 are not as a log has them"),
        (ROOT, {"vintage": "2023"}, "the data of event 6 are not as a log has them"),
    ],
    ids=lambda value: str(value) if not isinstance(value, str) else "",
)
def test_an_event_that_contradicts_the_others_is_refused(
    position: int, changes: dict[str, Any], reason: str
) -> None:
    assert without(rewritten(position, changes)) == Report(1, f"Not valid: {reason}.", [])


def test_an_event_names_the_hash_of_the_one_before_it() -> None:
    log, _ = of_one_credit()
    log.events[1] = replace(log.events[1], prev_hash="1" * 64)
    assert of(log, [1, 2]).verdict == "Not valid: event 2 does not follow the event of its credit before it."


def test_a_credit_is_retired_once() -> None:
    log = Log()
    credit = log.create()
    log.act(credit, EventType.RETIRED, {**RETIREMENT, "act": "2"})
    log.act(credit, EventType.RETIRED, {**RETIREMENT, "act": "2"})
    assert of(log, [1, 2, 3]).verdict == "Not valid: event 3 repeats an event that can happen only once."


def test_a_credit_is_not_both_split_and_retired() -> None:
    log = Log()
    root = log.create()
    lot, _ = log.split(root, 400_000, 600_000)
    log.act(root, EventType.RETIRED, {**RETIREMENT, "act": "5"})
    log.act(lot, EventType.RETIRED, {**RETIREMENT, "act": "5"})
    assert of(log, [1, 2, 3, 5, 6]).verdict == "Not valid: event 1 does not belong to the retirement."


@pytest.mark.parametrize("act", ["1", "8", None])
def test_retirements_of_different_acts_are_no_statement(act: str | None) -> None:
    log, document = of_many()
    positions = [entry["position"] for entry in document["entries"]]
    event = log.events[9]
    words = {name: value for name, value in event.data.items() if name != "act"}
    log.events[9] = replace(event, data={**words, "act": act} if act else words)
    assert of(log, positions).verdict == "Not valid: the retirements are not of one act."


def test_a_retirement_of_an_act_cannot_be_left_out_between_others() -> None:
    log, document = of_many()
    second = log.events[9].credit_id
    positions = [
        entry["position"]
        for entry in document["entries"]
        if log.events[entry["position"] - 1].credit_id != second
    ]
    assert of(log, positions).verdict == "Not valid: the retirements are not of one act."
