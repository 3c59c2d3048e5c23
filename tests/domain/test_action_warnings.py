import pytest

from webapp.domain.action_warnings import date_warnings
from webapp.domain.lifecycle import EventType

SOLD, RETIRED = EventType.SOLD, EventType.RETIRED
BEFORE_THE_VINTAGE = "is before 2023-01-01, when the vintage 2023 begins."
BEFORE_THE_SALE = "is before 2026-02-01, when the credit was sold."


@pytest.mark.parametrize(
    ("action", "occurred_on", "sold_on", "warnings"),
    [
        (SOLD, "2023-01-01", None, []),
        (SOLD, "2022-12-31", None, [f"The trade date 2022-12-31 {BEFORE_THE_VINTAGE}"]),
        (RETIRED, "2023-01-01", None, []),
        (RETIRED, "2022-12-31", None, [f"The retirement date 2022-12-31 {BEFORE_THE_VINTAGE}"]),
        (RETIRED, "2026-02-01", "2026-02-01", []),
        (RETIRED, "2026-01-31", "2026-02-01", [f"The retirement date 2026-01-31 {BEFORE_THE_SALE}"]),
        (
            RETIRED,
            "2022-12-31",
            "2026-02-01",
            [f"The retirement date 2022-12-31 {each}" for each in (BEFORE_THE_VINTAGE, BEFORE_THE_SALE)],
        ),
        (RETIRED, None, "2026-02-01", []),
        (EventType.WITHDRAWN, "2022-12-31", None, []),
    ],
)
def test_impossible_orders_of_dates_are_named(
    action: EventType, occurred_on: str | None, sold_on: str | None, warnings: list[str]
) -> None:
    assert date_warnings(action, occurred_on, 2023, sold_on) == warnings
