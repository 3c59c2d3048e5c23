"""What may be a mistake in an action, which can be recorded all the same.

The vintage of a credit is the year in which its period ends, so nothing happens to it before that year.
"""

from typing import Final

from webapp.domain.fields import tonnes
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical

_NAMES: Final = {
    EventType.SOLD: "trade date",
    EventType.SALE_REVERSED: "reversal date",
    EventType.RETIRED: "retirement date",
}


def date_warnings(
    action: EventType, occurred_on: str | None, vintage: int, sold_on: str | None = None
) -> list[str]:
    """Return a sentence for each reason why the day of a sale, reversal or retirement cannot be right.

    Days are `YYYY-MM-DD`. `sold_on` is the day of the sale before it, if there was one.
    """
    if occurred_on is None or action not in _NAMES:
        return []
    name, begins = _NAMES[action], f"{vintage}-01-01"
    warnings = []
    if occurred_on < begins:
        warnings.append(f"The {name} {occurred_on} is before {begins}, when the vintage {vintage} begins.")
    if action is not EventType.SOLD and sold_on and occurred_on < sold_on:
        warnings.append(f"The {name} {occurred_on} is before {sold_on}, when the credit was sold.")
    return warnings


def buyer_warnings(quantity_e4: int, buyer: str | None, beneficiary: str | None) -> list[str]:
    """Return a warning if sold tonnes are retired for someone other than their buyer.

    `quantity_e4` is in ten-thousandths of a tonne.
    """
    if buyer is None or beneficiary is None or canonical(buyer) == canonical(beneficiary):
        return []
    return [f"{tonnes(quantity_e4)} were sold to {buyer}, and are retired for {beneficiary}."]


def same_serial_warnings(credits: int) -> list[str]:
    """Return a sentence if another credit has the serial number of some of the credits to retire."""
    if not credits:
        return []
    text = "Another credit has the same serial number under another name of the registry. One should be void."
    if credits > 1:
        text = (
            f"{credits:,} of these credits have serial numbers that other credits have under another name of "
            "the registry. One credit of each pair should be void."
        )
    return [text]
