"""Fields, notes and events that mean that a row is inactive, those that do not, and the messages."""

import pytest

from tests.imports.rows import NOTHING, ROW, message, said, speaking
from webapp.domain.errors import Problem
from webapp.imports.inactive_status import SHOWN_MAX, not_active


@pytest.mark.parametrize(
    "name",
    [
        "Retired on Behalf of",
        "Retirement Beneficiary",
        "retirement_beneficiary",
        "beneficiary",
        "beneficiary.name",
        "Retirement Reason",
        "Retirement Reason Details",
        "Retirement Details",
        "Purpose of Retirement",
        "Cancellation Type",
        "Cancellation Reason",
        "Cancellation Details",
        "retirement_id",
        "Use Case",
        "use_case",
        "useCase",
        "Using Entity",
        "using-entity",
        "used by",
        "end_user",
        "passive_subject",
        "certificate_destination",
    ],
)
def test_a_field_that_only_retirements_or_cancellations_have_means_inactive(name: str) -> None:
    assert f"says {name}: Acme Airlines." in message(**{name: "Acme Airlines"})
    assert speaking(name, NOTHING) == []


TONNES = {
    "Canceled": "Cancelled",
    "Canceled for Compliance": "Cancelled",
    "Retired Voluntarily": "Retired",
    "Retired for Intentional Reversal": "Retired",
    "Retired 1st Compliance Period (CA)": "Retired",
    "Retired for Compliance in Quebec": "Retired",
    "Quantity Retired": "Retired",
    "retired_quantity": "Retired",
    "Invalidated or Canceled": "Invalidated or cancelled",
    "Offset Credits Converted to VCUs": "Converted",
    "CORSIA Eligible Credits Retired": "Retired",
    "Retired before 2021": "Retired",
    "Credits retired excluding buffer": "Retired",
    "Non-permanence risk buffer": "Buffer",
    "converted_credits": "Converted",
    "Credits used": "Used",
    "Buffer Pool Retired": "Buffer or retired",
    "Credits Issued to Buffer Pool": "Buffer",
    "Credits Transferred to Buffer Pool": "Buffer",
    "Credits Deposited in Buffer": "Buffer",
    "Offset Credits Currently in Reserve Buffer Pool": "Buffer",
    "Offset Credits Intended for Compliance Buffer Pool": "Buffer",
    "Forest Buffer Account Contribution": "Buffer",
    "buffer_pool_credit_batch_size_total.credits": "Buffer",
}


NUMBERS = [5, 0.25, "1", "1,454,054", "1.234,5", "1'234", "1 234", "425.00", "0.0001", "12 t", "-500"]
ZEROS: list[object] = [0, 0.0, "0", "0.00", "0,0", "0 t", "-", "N/A", "", None]


@pytest.mark.parametrize("name", TONNES)
def test_a_number_in_a_column_of_inactive_tonnes_means_inactive(name: str) -> None:
    expected = "This row says {}: {}. {} tonnes cannot be recorded as active stock; leave the row out."
    assert [message(**{name: number}) for number in NUMBERS] == [
        expected.format(name, number, TONNES[name]) for number in NUMBERS
    ]


@pytest.mark.parametrize("name", TONNES)
def test_zero_in_a_column_of_inactive_tonnes_does_not_mean_inactive(name: str) -> None:
    assert speaking(name, ZEROS) == []


CREATED = {"event_type": "created", "timestamp": "2025-09-27T20:09:24.691883"}
HISTORIES: list[tuple[object, str]] = [
    ([CREATED, {"event_type": "retired"}], "created, retired"),
    ([CREATED, {"event_type": "sold"}], "created, sold"),
    ([{"eventType": "CREATED"}, {"eventType": "RETIRED"}], "CREATED, RETIRED"),
    ([{"Type": "Created"}, {"Type": "Retired"}], "Created, Retired"),
    ([{"event": "created"}, {"event": "retired"}], "created, retired"),
    ([{"action": "create"}, {"action": "retire"}], "create, retire"),
    (["created", "retired"], "created, retired"),
    ([{"event_type": "retired"}], "retired"),
    (["RecordRetired"], "RecordRetired"),
    ([{"event_type": "created and retired"}], "created and retired"),
    ([{"event_id": "created-1", "event_type": "transferred"}], "transferred"),
    ([{"seq": 1}, {"seq": 2}], "2 entries"),
    ([CREATED, None], "2 entries"),
]


@pytest.mark.parametrize("name", ["events", "Events", "EVENTS", "event_log", "record.events"])
def test_events_after_the_creation_mean_inactive(name: str) -> None:
    named = [message(**{name: events}).partition(". ")[0] for events, _ in HISTORIES]
    assert named == [f"This row says {name}: {shown}" for _, shown in HISTORIES]


def test_a_history_is_refused_because_it_would_be_lost() -> None:
    assert "The history would be lost and the tonnes counted twice" in message(events=["created", "sold"])


@pytest.mark.parametrize(
    "events",
    [
        [],
        None,
        [CREATED],
        [{"event_type": "CREATED", "seq": 1, "data": dict(ROW), "actor": "local"}],
        [{"id": 1, "record_id": 4, "event_type": "created", "payload": {}, "created_at": "2025-01-01"}],
        [{"event_id": "a-1", "event_type": "issued"}],
        ["record_created"],
        ["CreditCreated"],
        [{"seq": 1}],
        [{}],
    ],
    ids=str,
)
def test_a_creation_alone_does_not_mean_inactive(events: object) -> None:
    assert said(events=events) is None


def test_a_creation_with_a_retired_payload_means_inactive() -> None:
    events = [{"event_type": "created", "payload": {"status": "retired", "quantity": "40.0000"}}]
    assert "says events.payload.status: retired." in message(events=events)


def test_lots_mean_that_a_record_was_split() -> None:
    assert "says lots: 2 entries. The history would be lost" in message(lots=[{"id": "a"}, {"id": "b"}])
    assert said(lots=[]) is None


@pytest.mark.parametrize("name", ["serial_number", "Serial Number", "Credit Serial Numbers", "serial"])
@pytest.mark.parametrize(
    "note",
    [
        " (retired)",
        " (Retired 2025-03-01)",
        " [cancelled]",
        " retired",
        " - Retired",
        "-retired",
        "_CANCELLED",
        "; withdrawn",
        " (used)",
        " (buffer pool)",
        " converted",
    ],
)
def test_a_note_in_the_serial_number_means_inactive(name: str, note: str) -> None:
    serial = f"95313-681393912-681394011-VCS-VCU-208-VER-CA-3-929-01012018-31122018-0{note}"
    assert "tonnes cannot be recorded as active stock" in message(**{name: serial})


@pytest.mark.parametrize("note", ["Retired: {}", "(cancelled) {}", "RETIRED {}"])
def test_a_note_before_the_serial_number_means_inactive(note: str) -> None:
    assert said(serial_number=note.format("GS1-1-KE-GS99603-16-2025-30256-1-5485"))


@pytest.mark.parametrize(
    "serial",
    ["RETIRED-MINE-001", "Serial: H2-RT-1", "H2-RT-1 (not retired)", "BUFFERED1", "Unused 12", 7, None],
)
def test_a_serial_number_without_a_note_does_not_mean_inactive(serial: object) -> None:
    assert said(serial_number=serial) is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"retirement": {"date": "2025-03-01"}}, "retirement.date: 2025-03-01"),
        ({"record": {"status": "RETIRED"}}, "record.status: RETIRED"),
        ({"details": {"use_case": "Voluntary"}}, "details.use_case: Voluntary"),
        ({"details": {"transaction_type": "Part retirement"}}, "details.transaction_type: Part retirement"),
        ({"event": {"type": "Part retirement"}}, "event.type: Part retirement"),
        ({"retirements": [{"quantity": 5}]}, "retirements.quantity: 5"),
        ({"statuses": ["Active"], "status": ["Retired"]}, "status: Retired"),
        ({"a": [{"b": [{"is_buffer": "true"}]}]}, "a.b.is_buffer: true"),
    ],
    ids=str,
)
def test_nested_fields_of_a_row_count_too(fields: dict[str, object], named: str) -> None:
    assert f"says {named}." in message(**fields)


@pytest.mark.parametrize("name", ["disposition", "type", "Kind", "Purpose", "category"])
@pytest.mark.parametrize("value", ["Retired", "retirement", "CANCELLED", "Buffer pool", "Withdrawn"])
def test_a_value_that_is_only_a_status_means_inactive_in_any_column(name: str, value: str) -> None:
    assert said(**{name: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"project_name": "Retired"},
        {"Project Type": "Early retirement of coal plants"},
        {"Project Status": "Withdrawn"},
        {"Payment status": "Cancelled"},
        {"Methodology": "AMS-III.X Retirement of refrigerators"},
        {"Note": "retired"},
        {"notes": "Sold by Acme, was retired from the shop floor"},
        {"description": "Cancelled"},
        {"type": "Coal Retirement"},
        {"condition": "Used"},
        {"Country/Area": "Namibia"},
        {"State": "California"},
        {"Account Holder": "Acme Retirement Fund"},
        {"Cancellation Policy": "30 days"},
        {"retirable": True, "is_cancellable": True, "cancelable": True, "redeemable": "yes"},
        {"Available for Retirement": 40},
        {"Quantity net of buffer": 40, "Credits before buffer pool contribution": 50},
        {"Balance after retirement": 131},
        {"Buffer Percentage": 12},
        {"Buffer (%)": 12},
        {"Buffer contribution": "12%"},
        {"Buffer zone": "river", "buffer_strip_m": 30, "site": {"buffer_area": 5}},
        {"Water withdrawals (m3)": "1,200"},
        {"Methodology used": "VM0033"},
        {"conversion_factor": 1.5},
        {"beneficiaries": 1200},
        {"Invalidation Timeframe": "8 years"},
        {"Issuance Date": "2026-04-03"},
        {"Quantity Issued": "425", "Total Vintage Quantity": "1,454,054"},
        {"transaction_type": "issuance"},
        {"buyer": "Acme", "sold_on": "2025-01-01"},
        {"parent": None, "offset": None, "replaces": None, "replaced_by": [], "rest": None},
    ],
    ids=str,
)
def test_unrelated_fields_do_not_mean_inactive(fields: dict[str, object]) -> None:
    assert said(**fields) is None


def test_the_message_about_a_row_names_at_most_three_fields() -> None:
    problem = said(
        **{"Credit Status": "Retired", "Retirement Date": "2025-03-01", "Use Case": "Voluntary"},
        **{"Using Entity": "Acme", "Note": "for 2024", "is_retired": True},
    )
    assert problem == Problem(
        "Credit Status",
        "This row says Credit Status: Retired; Retirement Date: 2025-03-01; Use Case: Voluntary; "
        "and 2 more. Retired tonnes cannot be recorded as active stock; leave the row out.",
    )


def test_a_long_value_is_shown_by_its_ends() -> None:
    serial = f"VCS-{'1' * 150}-2 (retired)"
    problem = said(serial_number=serial)
    assert problem
    shown = problem.message.removeprefix("This row says serial_number: ").partition(". ")[0]
    assert len(shown) == SHOWN_MAX + 1
    assert shown.startswith("VCS-1")
    assert shown.endswith("1-2 (retired)")


def test_names_and_values_are_shown_on_one_line_without_unprintable_characters() -> None:
    problem = not_active({"retired\x00\nby\u202e": "Acme\x1b[2J\ud800 Tools"})
    assert problem == Problem(
        "retired by",
        "This row says retired by: Acme [2J Tools. "
        "Retired tonnes cannot be recorded as active stock; leave the row out.",
    )
