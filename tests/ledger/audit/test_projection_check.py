"""Verify compares the projections with the log, row by row."""

import pytest

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import findings
from webapp.ledger import archive

EDITS = [
    (
        "UPDATE credit_states SET status = 'ACTIVE' WHERE status = 'SOLD'",
        "table credit_states: status is ACTIVE, but its events give SOLD",
    ),
    (
        "UPDATE credit_states SET beneficiary = 'Evil' WHERE status = 'RETIRED'",
        "table credit_states: beneficiary is Evil, but its events give Acme Airlines",
    ),
    ("DELETE FROM credit_states WHERE created_position = 1", "table credit_states: its row is missing"),
    (
        "DELETE FROM serial_claims WHERE serial_key = 'vcs-1'",
        "table serial_claims, vcs / vcs-1: this row is missing",
    ),
    (
        "UPDATE serial_claims SET serial_key = 'vcs-9' WHERE serial_key = 'vcs-1'",
        "table serial_claims, vcs / vcs-9: the log does not give this row",
    ),
    (
        "INSERT INTO serial_claims VALUES ('vcs', 'vcs-9', 99)",
        "table serial_claims, vcs / vcs-9: the log does not give this row",
    ),
    (
        "UPDATE serial_claims SET credit = 99 WHERE serial_key = 'vcs-1'",
        "table serial_claims, vcs / vcs-1: this row is missing",
    ),
    (
        "UPDATE serial_claims SET credit = 99 WHERE serial_key = 'vcs-1'",
        "table serial_claims, vcs / vcs-1: the log does not give this row",
    ),
    (
        "UPDATE serial_claims SET credit = 1 WHERE serial_key = 'vcs-1'",
        "table serial_claims, vcs / vcs-1: the log does not give this row",
    ),
    (
        "UPDATE credit_states SET search_text = ' x ' WHERE status = 'SOLD'",
        "search_text is  x , but its events give  mangrove restoration project vcs vcs 0001 ",
    ),
    (
        "UPDATE credit_states SET credit = 99 WHERE status = 'SOLD'",
        "credit of key 99: table credit_states has a row, but this credit has no events",
    ),
    (
        "UPDATE totals SET quantity_e4 = quantity_e4 + 1 WHERE status = 'ACTIVE' AND credits = 1",
        "table totals, vcs / 2023 / ACTIVE: quantity_e4 is 1000001, but the log gives 1000000",
    ),
    (
        "UPDATE totals SET credits = 5 WHERE status = 'RETIRED'",
        "table totals, vcs / 2023 / RETIRED: credits is 5, but the log gives 1",
    ),
    ("DELETE FROM totals WHERE status = 'SOLD'", "table totals, vcs / 2023 / SOLD: this row is missing"),
    (
        "INSERT INTO totals VALUES ('vcs', 1999, 'ACTIVE', 1, 1)",
        "table totals, vcs / 1999 / ACTIVE: the log does not give this row",
    ),
    (
        "UPDATE registries SET name = 'vcs'",
        "table registries, vcs: name is vcs, but the log gives VCS",
    ),
    ("DELETE FROM parties WHERE role = 'SOLD'", "table parties, SOLD / acme airlines: this row is missing"),
    (
        "UPDATE parties SET last_position = 1 WHERE role = 'SOLD'",
        "table parties, SOLD / acme airlines: last_position is 1, but the log gives 5",
    ),
]


def a_ledger() -> None:
    """Record a credit of every status, one of them without a serial number."""
    recorded(serial_number=None)
    retired(serial_number="VCS-0002")
    sold(serial_number="VCS-0001", registry="vcs")


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize(("edit", "wrong"), EDITS)
def test_a_changed_derived_row_is_named(raw: RawClient, edit: str, wrong: str) -> None:
    a_ledger()
    raw.execute(edit)
    assert [line for line in findings() if line.endswith(wrong)]


@pytest.mark.usefixtures("ledger_app")
def test_a_rebuild_repairs_the_projections(raw: RawClient) -> None:
    a_ledger()
    for edit, _ in EDITS:
        raw.execute(edit)
    assert findings()
    archive.rebuild()
    assert findings() == []


@pytest.mark.usefixtures("ledger_app")
def test_rebuilt_projections_equal_the_live_ones(raw: RawClient) -> None:
    a_ledger()
    live = derived_rows(raw)
    archive.rebuild()
    assert derived_rows(raw) == live


def derived_rows(raw: RawClient) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all projections."""
    names = ("serial_claims", "serial_blocks", "credit_states", "registries", "totals", "parties")
    return {name: sorted(raw.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def test_a_search_index_that_misses_a_credit_is_named(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    with opened(url), connected(url) as raw:
        a_ledger()
        raw.execute(
            "INSERT INTO credit_search (credit_search, rowid, search_text) "
            "SELECT 'delete', created_position, search_text FROM credit_states WHERE status = 'SOLD'"
        )
        (line,) = findings()
    assert line.startswith("table credit_search: does not match the credits")


def test_a_number_in_the_place_of_a_text_is_named(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    with opened(url), connected(url) as raw:
        a_ledger()
        raw.execute("UPDATE credit_states SET credit = x'00ff' WHERE status = 'SOLD'")
        assert findings() == ["table credit_states: 1 values of credit are not of type integer"]
