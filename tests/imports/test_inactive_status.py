"""Statuses, flags and dates that mean that a row is inactive."""

import pytest

from tests.imports.rows import NOTHING, message, said, speaking

STATUS_NAMES = [
    "status",
    "Status",
    "STATUS",
    "Credit Status",
    "credit_status",
    "credit-status",
    "creditStatus",
    "CreditStatus",
    " Credit  Status ",
    "CREDIT\u00a0STATUS",
    "Credit\u200b Status",
    "creditstatus",
    "state",
    "Current Status",
    "lifecycle",
    "transaction_type",
    "Transaction Type",
    "transactionType",
    "transaction",
    "event_type",
    "Unit Status",
    "Account Type",
]
STATUS_VALUES = {
    "Retired": "Retired",
    "RETIRED": "Retired",
    " retired ": "Retired",
    "Retirement": "Retired",
    "retire": "Retired",
    "Partially retired": "Retired",
    "Active (partly retired)": "Retired",
    "RecordRetired": "Retired",
    "Ｒｅｔｉｒｅｄ": "Retired",  # noqa: RUF001 - as some spreadsheets write it
    "Cancelled": "Cancelled",
    "Canceled": "Cancelled",
    "CANCELLATION": "Cancelled",
    "Withdrawn": "Withdrawn",
    "Used": "Used",
    "Converted": "Converted",
    "In buffer": "Buffer",
    "Buffer Pool": "Buffer",
    "Invalidated": "Invalidated",
    "Surrendered for compliance": "Surrendered",
    "Redeemed": "Redeemed",
    "Expired": "Inactive",
    "No longer active": "Inactive",
}


ACTIVE: list[object] = [
    "Active",
    "ACTIVE",
    "Issued",
    "Issuance",
    "Available",
    "Held",
    "Not retired",
    "Active, not cancelled",
    "Available for retirement",
    "Unretired",
    "Unused",
    "N/A",
    "-",
    "",
    None,
    False,
    0,
]


@pytest.mark.parametrize("name", STATUS_NAMES)
def test_an_inactive_status_or_transaction_type_is_recognised_in_any_spelling(name: str) -> None:
    given = {value: message(**{name: value}).partition(". ")[2].split()[0] for value in STATUS_VALUES}
    assert given == STATUS_VALUES


@pytest.mark.parametrize("name", STATUS_NAMES)
def test_an_active_or_missing_status_does_not_mean_inactive(name: str) -> None:
    assert speaking(name, ACTIVE) == []


FLAGS = [
    "is_retired",
    "isRetired",
    "IsRetired",
    "Is Retired",
    "is-retired",
    "isretired",
    "retired",
    "Retired?",
    "cancelled",
    "is_canceled",
    "withdrawn",
    "is_used",
    "used",
    "isConverted",
    "is_buffer",
    "isBuffer",
    "Buffer",
    "Invalidated or Canceled",
]
TRUE: list[object] = [True, "true", "TRUE", "Yes", "yes", "Y", "x", "✓", 1, "1", "2025-03-01"]


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_that_is_set_means_inactive(name: str) -> None:
    assert speaking(name, TRUE) == TRUE


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_that_is_not_set_does_not_mean_inactive(name: str) -> None:
    assert speaking(name, NOTHING) == []


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_that_is_denied_in_words_does_not_mean_inactive(name: str) -> None:
    denials = ["Not retired", "Not yet retired", "No cancellation", "Active", "Issued", "Active (not used)"]
    assert speaking(name, [*denials]) == []


@pytest.mark.parametrize("name", ["is_active", "Active", "not_retired", "Unretired", "is not cancelled"])
def test_an_opposite_flag_that_is_not_set_means_inactive(name: str) -> None:
    assert "Inactive tonnes cannot be recorded" in message(**{name: False})
    assert said(**{name: True}) is None
    assert said(**{name: None}) is None


DATES = [
    "Retirement/Cancellation Date",
    "Retirement Date",
    "retirement_date",
    "RetirementDate",
    "retirementdate",
    "retired_on",
    "retiredOn",
    "retiredon",
    "retired_at",
    "Date of Retirement",
    "Date Retired",
    "Cancellation Date",
    "cancelled_at",
    "Withdrawn on",
]


WRITTEN_DATES = [
    "2026-04-10",
    "10/04/2026",
    "April 10, 2026",
    "2020-02-13 10:38:35",
    "2026-04-10T00:00:00Z",
]
NO_DATES: list[object] = [None, "", "N/A", "-", "0", "0000-00-00", "0000-00-00 00:00:00", "null"]


@pytest.mark.parametrize("name", DATES)
def test_a_retirement_or_cancellation_date_means_inactive_and_is_named(name: str) -> None:
    named = [message(**{name: day}).partition(". ")[0] for day in WRITTEN_DATES]
    assert named == [f"This row says {name}: {day}" for day in WRITTEN_DATES]


@pytest.mark.parametrize("name", DATES)
def test_a_missing_date_does_not_mean_inactive(name: str) -> None:
    assert speaking(name, NO_DATES) == []


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize("status", [{"status": "ACTIVE"}, {"Credit Status": "Issued"}, {"State": " active "}])
def test_the_status_of_the_row_itself_outweighs_a_date(name: str, status: dict[str, str]) -> None:
    assert said(**{name: "2026-04-10"}, **status) is None


@pytest.mark.parametrize(
    "status", [{"Project Status": "Active"}, {"Credit Status": "N/A"}, {"Registry": "Active"}]
)
def test_the_status_of_something_else_outweighs_nothing(status: dict[str, str]) -> None:
    assert "Retirement Date" in message(**{"Retirement Date": "2026-04-10"}, **status)


@pytest.mark.parametrize(
    "field",
    [
        {"is_retired": True},
        {"Retirement Beneficiary": "Acme Airlines"},
        {"Canceled": "12"},
        {"Retired to date": 12},
        {"Invalidated or Canceled": "12"},
        {"lots": [{"id": "a"}]},
        {"events": [{"event_type": "created"}, {"event_type": "retired"}]},
        {"serial_number": "H2-RT-1 (retired)"},
    ],
    ids=str,
)
def test_the_status_of_the_row_itself_outweighs_nothing_but_a_date(field: dict[str, object]) -> None:
    assert said(status="ACTIVE", **field)


@pytest.mark.parametrize("name", ["Status Effective", "Status Effective (GMT)", "Status Effective  (GMT)"])
@pytest.mark.parametrize("beside", ["Retirement Reason", "Retired on Behalf of", "Cancellation Type"])
def test_a_status_date_with_columns_of_a_retirement_means_inactive(name: str, beside: str) -> None:
    assert said(**{name: "05/01/2024"}) is None
    assert said(**{name: "N/A", beside: None}) is None
    assert "05/01/2024" in message(**{name: "05/01/2024", beside: None})
