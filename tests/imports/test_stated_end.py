"""A row that says that its tonnes are not active is retired, withdrawn or refused, never active."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.imports import test_inactive_marks as marks
from tests.imports import test_inactive_status as statuses
from tests.imports.rows import NOTHING, said
from tests.imports.sources import CREDIT, ends_of, json_source, meaning, the_row
from webapp.domain.credit import parse_credit
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.imports.mapping import ColumnMapping, propose, settle
from webapp.imports.row_meaning import read_rows
from webapp.imports.stated_end import EITHER_NOTE

WAYS: list[tuple[str, object]] = [
    *((name, value) for name in statuses.STATUS_NAMES for value in statuses.STATUS_VALUES),
    *((name, value) for name in statuses.FLAGS for value in statuses.TRUE),
    *((name, value) for name in statuses.DATES for value in statuses.WRITTEN_DATES),
    *((name, value) for name in marks.TONNES for value in marks.NUMBERS),
    *(("events", events) for events, _ in marks.HISTORIES),
    ("lots", [{"id": "a"}]),
    ("is_active", False),
    ("serial_number", "H2-RT-1 (retired)"),
    ("Using Entity", "Acme Airlines"),
    ("Use Case", "Voluntary"),
]


def is_recorded_as_active(row: ImportRow) -> bool:
    return row.is_active and not row.problems


def test_no_way_to_say_not_active_is_read_as_active() -> None:
    assert [way for way in WAYS if is_recorded_as_active(the_row(**{way[0]: way[1]}))] == []


def test_no_way_to_say_not_active_is_lost_in_a_file_of_other_rows() -> None:
    rows = [
        {"project_name": "Solar", "registry": "VCS", "vintage": 2020, "quantity": n, name: value}
        for n, (name, value) in enumerate(WAYS, start=1)
    ]
    assert [row.values for row in meaning(json_source(*rows)) if is_recorded_as_active(row)] == []


MORE: list[tuple[str, object]] = [
    *((name, value) for name in ("status", "Credit Status", "State") for value in statuses.ACTIVE),
    *((name, value) for name in ("is_retired", "Canceled", "Retirement Date") for value in NOTHING),
    ("Quantity Available", 40),
    ("Quantity Available", 0),
    ("Quantity Available", 28),
    ("Quantity Retired", 12),
    ("quantity", 1),
    ("serial_number", None),
    ("Retirement Reason", "Flights"),
    ("Cancellation Reason", "Buffer"),
    ("beneficiary", "Acme"),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WAYS), min_size=1, max_size=2), st.lists(st.sampled_from(MORE), max_size=3))
def test_no_combination_of_statements_is_read_as_active_stock(
    ways: list[tuple[str, object]], more: list[tuple[str, object]]
) -> None:
    fields = dict([*more, *ways])
    if said(**fields) is None:  # a status that says "active" wins over a date
        return
    rows = meaning(json_source(CREDIT | fields))
    active = [row.credit.quantity_e4 for row in rows if row.credit and is_recorded_as_active(row)]
    whole = parse_credit({**CREDIT, "vintage": "2022", "quantity": str(fields.get("quantity", 40))})
    assert len(active) <= 1
    assert sum(active) < whole.quantity_e4


@pytest.mark.parametrize("name", ["is_retired", "Buffer", "Retirement Date", "Canceled", "Using Entity"])
def test_a_missing_value_says_nothing(name: str) -> None:
    assert [
        value for value in NOTHING if the_row(**{name: value}).end or the_row(**{name: value}).not_active
    ] == []


@pytest.mark.parametrize("status", statuses.ACTIVE)
@pytest.mark.parametrize("name", ["status", "Credit Status", "transaction_type"])
def test_an_active_status_is_no_end(name: str, status: object) -> None:
    row = the_row(**{name: status})
    assert (row.is_active, row.problems) == (True, [])


RETIRED: tuple[str, str | None, dict[str, str]] = ("RETIRED", None, {})


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"status": "RETIRED"}, RETIRED),
        ({"Credit Status": "Retired"}, RETIRED),
        ({"transaction_type": "retirement"}, RETIRED),
        ({"status": "used"}, RETIRED),
        ({"is_retired": True}, RETIRED),
        ({"retired": "yes"}, RETIRED),
        ({"serial_number": "H2-RT-1 (retired)"}, RETIRED),
        ({"retired_on": "2025-03-01 23:59:59"}, ("RETIRED", "2025-03-01", {})),
        ({"Quantity Retired": 40}, ("RETIRED", None, {"reason": "Quantity Retired"})),
        (
            {"Quantity Retired": 40, "retired_on": "2025-03-01", "beneficiary": "Acme"},
            ("RETIRED", "2025-03-01", {"beneficiary": "Acme"}),
        ),
        ({"status": "Retired", "cancellation_date": "2025-03-01"}, ("RETIRED", "2025-03-01", {})),
        ({"beneficiary": "Acme Airlines"}, ("RETIRED", None, {"beneficiary": "Acme Airlines"})),
        ({"retirement": {"date": "2025-03-01"}}, ("RETIRED", "2025-03-01", {})),
        ({"status": "cancelled"}, ("WITHDRAWN", None, {"reason": "Cancelled"})),
        ({"status": "withdrawn"}, ("WITHDRAWN", None, {"reason": "Withdrawn"})),
        ({"status": "Buffer pool"}, ("WITHDRAWN", None, {"reason": "Buffer pool"})),
        ({"is_buffer": "true"}, ("WITHDRAWN", None, {"reason": "Buffer pool"})),
        (
            {"is_buffer": True, "retired_on": "2025-03-01"},
            ("WITHDRAWN", "2025-03-01", {"reason": "Buffer pool"}),
        ),
        ({"Credits converted": 40}, ("WITHDRAWN", None, {"reason": "Credits converted"})),
        ({"status": "Converted"}, ("WITHDRAWN", None, {"reason": "Conversion"})),
        ({"cancelled_at": "2025-03-01"}, ("WITHDRAWN", "2025-03-01", {"reason": "Cancelled"})),
    ],
    ids=str,
)
def test_what_a_row_says_about_its_end_is_understood(
    fields: dict[str, object], end: tuple[str, str | None, dict[str, str]]
) -> None:
    row = the_row(**fields)
    assert (ends_of([row]), row.problems, row.not_active) == ([end], [], None)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("CORSIA compliance", "RETIRED"),
        ("Cancelled for CORSIA", "RETIRED"),
        ("Voluntary Cancellation", "RETIRED"),
        ("Voluntary cancellation on behalf of third party", "RETIRED"),
        ("Buffer pool", "WITHDRAWN"),
        ("Invalidation", "WITHDRAWN"),
        ("Administrative cancellation", "WITHDRAWN"),
        ("Transfer to another registry", "WITHDRAWN"),
        ("Convert to ARB offset credits", "WITHDRAWN"),
        ("Removal of credits from the registry", "WITHDRAWN"),
        ("Unknown", "WITHDRAWN"),
    ],
)
def test_a_cancellation_is_a_retirement_or_a_withdrawal_by_its_reason(reason: str, kind: str) -> None:
    row = the_row(**{"Credit Status": "Cancelled", "Cancellation Reason": reason})
    assert ends_of([row]) == [(kind, None, {"reason": reason})]


def test_a_cancellation_for_a_named_party_is_a_retirement() -> None:
    row = the_row(**{"status": "Cancelled", "Retirement Beneficiary": "Acme Airlines"})
    assert ends_of([row]) == [("RETIRED", None, {"beneficiary": "Acme Airlines"})]


def test_a_date_of_retirement_or_cancellation_alone_is_a_retirement_with_a_note() -> None:
    row = the_row(**{"Retirement/Cancellation Date": "2026-04-10"})
    assert (ends_of([row]), row.notes) == ([("RETIRED", "2026-04-10", {})], (EITHER_NOTE,))


@pytest.mark.parametrize("status", ["ACTIVE", "Issued", " available "])
def test_a_status_of_the_row_wins_over_a_date(status: str) -> None:
    row = the_row(status=status, retired_on="2025-03-01")
    assert (row.is_active, row.problems) == (True, [])


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "ACTIVE", "beneficiary": "Acme"},
        {"status": "ACTIVE", "is_retired": True},
        {"status": "Partially retired"},
        {"status": "Active (partly retired)"},
        {"status": "Expired"},
        {"is_active": False},
        {"retired": "12 of 40"},
        {"Quantity Retired": 12},
        {"Quantity Retired": 41},
        {"Canceled for Compliance": 30},
        {"Quantity Retired": [12, 28]},
        {"Credits used": 0.00001},
        {"activity": "Retired", "status": "ACTIVE"},
        {"Quantity Retired": 40, "status": "ACTIVE"},
        {"Quantity Available": 28, "is_retired": False},
        {"retired": 1},
        {"status": "Retired", "Converted to": "ARB"},
        {"status": "Withdrawn", "beneficiary": "Acme"},
        {"status": ["Retired"]},
        {"events": [{"event_type": "created"}, {"event_type": "retired"}]},
        {"lots": [{"id": "a"}]},
    ],
    ids=str,
)
def test_what_is_not_understood_or_contradicts_itself_is_refused(fields: dict[str, object]) -> None:
    row = the_row(**fields)
    assert (row.end, row.problems) == (None, [])
    assert row.not_active


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({"Quantity Retired": 12, "Quantity Available": 28}, [28, 12]),
        ({"Quantity Retired": 12, "Cancelled credits": 8, "Remaining": 20}, [20, 12, 8]),
    ],
)
def test_a_row_whose_tonnes_add_up_becomes_a_row_for_each_part(
    fields: dict[str, object], rest: list[int]
) -> None:
    row = {"project_name": "Solar", "registry": "VCS", "vintage": 2020, "quantity": 40}
    rows = meaning(json_source(row | fields))
    assert [row.credit and row.credit.quantity_e4 // 10_000 for row in rows] == rest
    assert [row.number for row in rows] == [1] * len(rest)
    assert rows[0].is_active
    assert not any(row.is_active for row in rows[1:])


def test_parts_of_a_block_are_refused_because_their_numbers_are_not_known() -> None:
    row = the_row(**{"Quantity Retired": 12, "Quantity Available": 28})
    assert row.not_active
    assert "serial numbers" in row.not_active.message


def test_the_quantity_of_a_list_of_retirements_is_that_of_the_row() -> None:
    row = {"Project": "Solar", "Registry": "VCS", "Vintage": 2020, "Quantity Retired": 40}
    (found,) = meaning(json_source(row | {"Retired on": "2025-03-01"}))
    assert found.credit
    assert (found.credit.quantity_e4, ends_of([found])) == (400_000, [("RETIRED", "2025-03-01", {})])


def test_a_column_of_retired_serial_numbers_says_that_the_row_is_retired() -> None:
    row = {**CREDIT, "Retired Serial Numbers": "ACR-99-2019-1 to 40"}
    del row["serial_number"]
    source = json_source(row)
    mapping = settle(
        ColumnMapping({**propose(source).columns, "Retired Serial Numbers": "serial_number"}), source
    )
    (found,) = read_rows(source, mapping)
    assert found.credit
    assert (found.credit.serial_number, ends_of([found])) == ("ACR-99-2019-1 to 40", [RETIRED])


def test_a_list_of_reasons_is_one_reason() -> None:
    row = the_row(status="Retired", **{"Retirement Reason": ["Flights", "Offices"]})
    assert ends_of([row]) == [("RETIRED", None, {"reason": "Flights; Offices"})]


def test_an_unreadable_date_is_an_error_with_its_value() -> None:
    row = the_row(status="Retired", retired_on="some day")
    assert [(problem.field, "“some day”" in problem.message) for problem in row.problems] == [
        ("occurred_on", True)
    ]


@pytest.mark.parametrize("status", ["SOLD", "SPLIT"])
def test_a_sold_or_split_row_keeps_its_status(status: str) -> None:
    row = the_row(status=status)
    assert (row.status, row.end, row.is_active) == (Status(status), None, False)


def test_a_status_that_is_not_understood_is_an_error_with_its_value() -> None:
    row = the_row(status="Quux")
    assert [(problem.field, problem.message) for problem in row.problems] == [
        ("status", "“Quux” is no status that is understood.")
    ]


def test_the_statements_of_a_row_are_those_of_the_detector() -> None:
    assert all(said(**{name: value}) for name, value in WAYS if name != "serial_number")
