"""Verify names each kind of edit of the log, with the credit or the position."""

import json
from collections import Counter
from collections.abc import Callable
from threading import Thread

import pytest
from flask import Flask

from tests.fixtures.credits import recorded, retired, sold, withdrawn
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import Facts, digest, findings, put_text, rewrite, tamper, unguarded
from tests.ledger.triggers.rows import key_of, next_event, put
from webapp.accounts.actors import LOCAL
from webapp.domain.canonical_json import encode
from webapp.domain.event import text_hash
from webapp.ledger import standings
from webapp.ledger.commands import amend_credit, retire_credit, sell_credit

pytestmark = pytest.mark.usefixtures("ledger_app")


def a_life() -> str:
    """Record a credit with three events."""
    credit_id = sold()
    retire_credit(credit_id, {"beneficiary": "Acme Airlines"}, LOCAL)
    return credit_id


def test_an_untouched_ledger_has_no_findings() -> None:
    a_life()
    retired(serial_number=None, quantity="2765.37")
    recorded(registry="Gold Standard", project_name="Hông Phong 4 Solar 48 MW")
    sold(registry="vcs", serial_number="VCS-0002", project_name="Straße")
    assert findings() == []


def test_each_text_of_a_credit_that_is_no_lot_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for the facts and the history by day, or a check of a million credits would take far longer."""
    a_life()
    recorded(serial_number="VCS-0002")
    standings.catch_up("UTC", within_s=60)
    parsed: Counter[str] = Counter()
    parse: Callable[..., object] = json.loads

    def counted(text: str, **options: object) -> object:
        parsed[text] += 1
        return parse(text, **options)

    monkeypatch.setattr(json, "loads", counted)
    assert findings() == []
    assert [times for text, times in parsed.items() if '"credit":' in text] == [1, 1, 1, 1]


def test_an_empty_ledger_has_no_findings() -> None:
    assert findings() == []


def test_a_changed_field_of_a_credit_is_named(raw: RawClient) -> None:
    credit_id = recorded()
    tamper(raw, "UPDATE credits SET quantity_e4 = 9990000")
    assert findings() == [
        f"credit {credit_id}: table credits: quantity_e4 is 9990000, but its events give 1000000"
    ]


def test_changed_data_are_named_by_their_hash(raw: RawClient) -> None:
    credit_id = sold()
    tamper(raw, "UPDATE events SET body = replace(body, 'Acme', 'Evil') WHERE seq = 2")
    assert f"credit {credit_id}, event 2: its hash is not the hash of its text" in findings()


def test_changed_data_with_a_new_hash_are_named_by_the_next_event(raw: RawClient) -> None:
    credit_id = a_life()
    rewrite(raw, credit_id, 2, lambda facts: facts["data"].update(buyer="Evil Airlines"))
    assert f"credit {credit_id}, event 3: its prev_hash is not the hash of the event before it" in findings()


def test_changed_data_of_a_last_event_are_named_by_the_projections(raw: RawClient) -> None:
    credit_id = sold()
    rewrite(raw, credit_id, 2, lambda facts: facts["data"].update(buyer="Evil Airlines"))
    found = findings()
    assert (
        f"credit {credit_id}: table credit_states: buyer is Acme Airlines, but its events give Evil Airlines"
        in found
    )
    assert "table parties, SOLD / evil airlines: this row is missing" in found
    assert "table parties, SOLD / acme airlines: the log does not give this row" in found


def test_a_changed_hash_is_named(raw: RawClient) -> None:
    credit_id = a_life()
    tamper(raw, "UPDATE events SET hash = ? WHERE seq = 2", bytes(32))
    assert findings() == [
        f"credit {credit_id}, event 2: its hash is not the hash of its text",
        f"credit {credit_id}, event 3: its prev_hash is not the hash of the event before it",
    ]


def test_a_deleted_event_in_the_middle_is_named(raw: RawClient) -> None:
    credit_id = a_life()
    tamper(raw, "DELETE FROM events WHERE seq = 2")
    found = findings()
    assert f"credit {credit_id}, event 3: seq 3 follows seq 1" in found
    assert f"credit {credit_id}, event 3: its prev_hash is not the hash of the event before it" in found
    assert f"position 2: its event is missing: credit {credit_id}, event 2" in found


def test_a_deleted_first_event_is_named(raw: RawClient) -> None:
    credit_id = sold()
    tamper(raw, "DELETE FROM events WHERE seq = 1")
    found = findings()
    assert f"credit {credit_id}, event 2: it is SOLD with seq 2, but the first is CREATED with seq 1" in found


def test_two_swapped_credits_are_named(raw: RawClient) -> None:
    one, other = recorded(), recorded(project_name="Solar", serial_number="VCS-0002")
    data: dict[str, Facts] = {}
    rewrite(raw, one, 1, lambda facts: data.update(one=facts["data"]))
    rewrite(raw, other, 1, lambda facts: data.update(other=facts["data"]))
    rewrite(raw, one, 1, lambda facts: facts.update(data=data["other"]))
    rewrite(raw, other, 1, lambda facts: facts.update(data=data["one"]))
    found = findings()
    assert f"credit {one}, event 1: its fields give another id, {other}" in found
    assert f"credit {other}, event 1: its fields give another id, {one}" in found


def test_two_swapped_ids_of_credits_are_named(raw: RawClient) -> None:
    one, other = recorded(), recorded(project_name="Solar", serial_number="VCS-0002")
    with unguarded(raw):
        for before, after in ((one, "f" * 64), (other, one), ("f" * 64, other)):
            raw.execute("UPDATE credits SET id = ? WHERE id = ?", bytes.fromhex(after), bytes.fromhex(before))
    assert findings() == [
        f"credit {one}: table credits: id is {other}, but its events give {one}",
        f"credit {other}: table credits: id is {one}, but its events give {other}",
    ]


def test_two_swapped_keys_of_credits_are_named(raw: RawClient) -> None:
    one, other = recorded(), recorded(project_name="Solar", serial_number="VCS-0002")
    with unguarded(raw):
        for before, after in ((1, 99), (2, 1), (99, 2)):
            raw.execute("UPDATE credits SET key = ? WHERE key = ?", after, before)
    found = findings()
    assert f"credit {one}: table credits: id is {other}, but its events give {one}" in found
    assert (
        f"credit {other}: table credits: project_name is Mangrove Restoration Project, "
        "but its events give Solar" in found
    )


def test_an_invented_credit_is_named(raw: RawClient) -> None:
    recorded()
    tamper(
        raw,
        "INSERT INTO credits VALUES (9, ?, 'Nothing', 'VCS', 2020, 10000, NULL, NULL, NULL, NULL)",
        b"\xff" * 32,
    )
    assert findings() == [f"credit {'f' * 64}: table credits has a row, but this credit has no events"]


def test_a_removed_row_of_a_credit_is_named(raw: RawClient) -> None:
    credit_id = recorded()
    tamper(raw, "DELETE FROM credits")
    assert findings() == [f"credit {credit_id}: table credits: its row is missing"]


@pytest.mark.parametrize("column", ["seq = 3", "type = 'RETIRED'"])
def test_a_column_that_does_not_agree_with_the_text_is_named(raw: RawClient, column: str) -> None:
    credit_id = sold()
    tamper(raw, f"UPDATE events SET {column} WHERE seq = 2")
    name, _, value = column.partition(" = ")
    seq = value if name == "seq" else "2"
    assert f"credit {credit_id}, event {seq}: column {name} does not match its text" in findings()


def test_an_event_of_another_credit_is_named(raw: RawClient) -> None:
    one, other = sold(), sold(serial_number="VCS-0002")
    ((body,),) = raw.execute("SELECT body FROM events WHERE subject = ? AND seq = 2", key_of(raw, other))
    put_text(raw, one, 2, body)
    assert f"credit {one}, event 2: its text is about another credit, {other}" in findings()


def test_a_text_that_is_not_canonical_is_named(raw: RawClient) -> None:
    credit_id = recorded()
    ((body,),) = raw.execute("SELECT body FROM events")
    put_text(raw, credit_id, 1, body.replace(",", ", "))
    found = findings()
    assert f"credit {credit_id}, event 1: its text is not the canonical JSON of its facts" in found
    assert (
        "tables totals, registries, parties, serial_claims and serial_blocks: were not compared, "
        "because some histories are incomplete" in found
    )


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"extra": 1}, "its text does not have the fields of an event"),
        ({"data": {"buyer": {"is": "Acme"}}}, "its data are not texts and whole numbers"),
        ({"data": {"buyer": ["Acme"]}}, "its data are not valid: buyer: "),
        ({"data": {"buyer": "Acme  Airlines"}}, "its data are not as the rules record them"),
        ({"data": {"price": "3"}}, "its data are not valid: price: There is no such field."),
        ({"data": {"occurred_on": "2999-01-01"}}, "its data are not valid: occurred_on: "),
    ],
)
def test_event_fields_that_no_command_records_are_named(raw: RawClient, change: Facts, wrong: str) -> None:
    credit_id = sold()
    rewrite(raw, credit_id, 2, lambda facts: facts.update(change))
    assert any(line.startswith(f"credit {credit_id}, event 2: {wrong}") for line in findings())


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"amends": 3, "note": "x"}, "its data are not valid: amends: "),
        ({"amends": 2, "beneficiary": "x"}, "its data are not valid: beneficiary: There is no such field."),
        ({"amends": 2, "why": "x"}, "its data are not valid: "),
        ({"amends": 2, "buyer": " x"}, "its data are not as the rules record them"),
        ({"amends": 2, "quantity": "5"}, "its data are not valid: quantity: There is no such field."),
        ({"amends": 2, "facts": {"country": "x"}}, "its data are not valid: facts: There is no such field."),
    ],
)
def test_an_amendment_that_no_command_records_is_named(raw: RawClient, data: Facts, wrong: str) -> None:
    credit_id = sold()
    amend_credit(credit_id, {"amends": "2", "buyer": "Zoë"}, LOCAL)
    rewrite(raw, credit_id, 3, lambda facts: facts.update(data=data))
    assert any(line.startswith(f"credit {credit_id}, event 3: {wrong}") for line in findings())


def test_a_retirement_after_an_amended_withdrawal_is_named(raw: RawClient) -> None:
    credit_id = withdrawn()
    amend_credit(credit_id, {"amends": "2", "reason": "Buffer pool"}, LOCAL)
    with unguarded(raw):
        put(raw, next_event(raw, credit_id, "RETIRED"))
    assert f"credit {credit_id}, event 4: RETIRED may not follow WITHDRAWN" in findings()


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE credit_states SET beneficiary = 'Acme Airlines'",
        "UPDATE credit_states SET status = 'ACTIVE'",
        "DELETE FROM parties WHERE name = 'Zoë'",
        "UPDATE totals SET quantity_e4 = quantity_e4 + 1 WHERE status = 'WITHDRAWN'",
        "DELETE FROM serial_claims",
    ],
)
def test_a_projection_that_misses_an_amendment_or_a_withdrawal_is_named(raw: RawClient, edit: str) -> None:
    amend_credit(retired(), {"amends": "2", "beneficiary": "Zoë"}, LOCAL)
    withdrawn(serial_number="VCS-0002")
    tamper(raw, edit)
    assert findings() != []


def test_an_event_recorded_before_the_one_it_follows_is_named(raw: RawClient) -> None:
    credit_id = sold()
    early = "1999-01-01T00:00:00.000000Z"
    rewrite(raw, credit_id, 2, lambda facts: facts.update(recorded_at=early, data={}))
    assert (
        f"credit {credit_id}, event 2: it was recorded at {early}, before the event it follows" in findings()
    )


def test_a_sale_after_a_retirement_is_named(raw: RawClient) -> None:
    credit_id = retired()
    ((body, last),) = raw.execute("SELECT body, hash FROM events WHERE seq = 2")
    sale = encode(json.loads(body) | {"type": "SOLD", "seq": 3, "prev_hash": last.hex(), "data": {}})
    tamper(
        raw,
        "INSERT INTO events SELECT subject, 3, 'SOLD', ?, ? FROM events WHERE seq = 2",
        bytes.fromhex(text_hash(sale)),
        sale,
    )
    found = findings()
    assert f"credit {credit_id}, event 3: SOLD may not follow RETIRED" in found
    assert f"credit {credit_id}, event 3: it has no position in the feed" in found


def test_an_event_without_a_position_is_named(raw: RawClient) -> None:
    credit_id = sold()
    tamper(raw, "DELETE FROM feed WHERE position = 2")
    assert f"credit {credit_id}, event 2: it has no position in the feed" in findings()


def test_a_gap_between_positions_is_named(raw: RawClient) -> None:
    sold()
    tamper(raw, "UPDATE feed SET position = 7 WHERE position = 2")
    assert "position 7: follows position 1" in findings()


def test_two_swapped_positions_of_one_credit_are_named(raw: RawClient) -> None:
    credit_id = sold()
    swap_positions(raw)
    assert (
        f"credit {credit_id}, event 2: its position 1 is not after that of the event before it, 2"
        in findings()
    )


def test_two_swapped_positions_of_two_credits_are_named(raw: RawClient) -> None:
    one, other = recorded(), recorded(serial_number="VCS-0002")
    ((recorded_at,),) = raw.execute("SELECT created_at FROM credit_states WHERE created_position = 1")
    swap_positions(raw)
    assert findings() == [
        f"credit {one}: table credit_states: created_position is 1, but its events give 2",
        f"credit {other}: table credit_states: created_position is 2, but its events give 1",
        f"position 2: it was recorded at {recorded_at}, before the previous event",
    ]


def swap_positions(raw: RawClient) -> None:
    """Let the events at positions 1 and 2 change places."""
    with unguarded(raw):
        for before, after in ((1, 99), (2, 1), (99, 2)):
            raw.execute("UPDATE feed SET position = ? WHERE position = ?", after, before)


def test_a_position_that_states_another_type_is_named(raw: RawClient) -> None:
    sold()
    tamper(raw, "UPDATE feed SET type = 'RETIRED' WHERE position = 2")
    assert findings() == ["position 2: it says RETIRED, but its event is SOLD"]


def test_every_fault_is_named_and_not_only_the_first(raw: RawClient) -> None:
    one = recorded()
    other = recorded(serial_number="VCS-0002")
    sell_credit(one, {}, LOCAL)
    tamper(raw, "UPDATE credits SET vintage = 1999")
    assert len([line for line in findings() if "vintage is 1999" in line]) == len({one, other})


def test_a_finding_is_one_line_whatever_characters_it_has(raw: RawClient) -> None:
    recorded()
    tamper(raw, "UPDATE credits SET project_name = ?", "two\nlines\x1b[2J")
    (line,) = findings()
    assert "two\\u000alines\\u001b[2J" in line
    assert line.isprintable()


def test_verify_finds_nothing_while_others_write(ledger_app: Flask) -> None:
    def write() -> None:
        with ledger_app.app_context():
            for number in range(40):
                sold(serial_number=f"VCS-{number}")

    writer = Thread(target=write)
    writer.start()
    found = [findings() for _ in range(5)]
    writer.join()
    assert found == [[]] * 5
    assert digest().events == 80
