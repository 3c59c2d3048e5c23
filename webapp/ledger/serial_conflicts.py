"""Advice for a serial conflict: what to do with the credit that already holds the serial numbers.

Pure functions of the holder as it is now and the numbers asked for. The pages show the advice with a
link to the holder, the API with the split to send.
"""

from dataclasses import dataclass, replace
from typing import Final

from webapp.domain.errors import BlockHeld
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.serial_number import SerialBlock, parse_numbers
from webapp.ledger.views import CreditView

_RECORDED: Final = "instead of recording it again."
_SAME: Final = {
    Status.ACTIVE: f"Sell or retire that credit {_RECORDED}",
    Status.SOLD: f"That credit is sold. Retire it {_RECORDED}",
}
_OWN_LOT: Final = "so that these numbers become one lot"
_SPLIT_OFF: Final = {
    Status.ACTIVE: f"Split that credit {_OWN_LOT}, and sell or retire that lot {_RECORDED}",
    Status.SOLD: f"That credit is sold. Split it {_OWN_LOT}, and retire that lot {_RECORDED}",
}
# For a holder whose quantity is not its block: a lot of it cannot have exactly these numbers.
_INSIDE: Final = {
    Status.ACTIVE: f"Sell or retire a part of that credit {_RECORDED}",
    Status.SOLD: f"That credit is sold. Retire a part of it {_RECORDED}",
}
NOT_EXACT: Final = (
    "Its quantity differs from its count of serial numbers, so it cannot be a lot of that credit."
)
_ENDED: Final = {
    Status.RETIRED: "That credit is retired, so nothing more can be done with these tonnes.",
    Status.WITHDRAWN: "The registry cancelled these tonnes, so nothing more can be done with them.",
}
_COMPARE: Final = "One of the two has wrong serial numbers. Compare them, and record only the free numbers."
_SPLIT: Final = "That credit was split, and its lots have these tonnes now. Use one of the lots."
_FREE: Final = "That credit has since been cancelled, so the numbers are free. Try again."


@dataclass(frozen=True)
class SerialConflict:
    """The numbers asked for that another credit holds, `first` to `last`, and how the two relate.

    `is_inside`: it holds all of them. `is_same`: it holds no others. `is_exact`: the quantity asked for
    is one tonne for each number, as in a lot. `split` has the quantities, in whole tonnes, of a split of
    the holder that has these numbers as one lot; empty if no split does.
    """

    holder: CreditView
    first: int
    last: int
    is_inside: bool
    is_same: bool
    is_exact: bool
    split: tuple[int, ...]

    @property
    def advice(self) -> str:
        """A sentence that says what to do, given the holder's status."""
        match self.holder.status:
            case _ if not self.is_exact:
                return NOT_EXACT
            case Status.SPLIT:
                return _SPLIT
            case Status.CANCELLED:
                return _FREE
            case _ if not self.is_inside:
                return _COMPARE
            case status:
                ways = _SAME if self.is_same else _SPLIT_OFF if self.split else _INSIDE
                return {**_ENDED, **ways}[status]


def conflict_over(holder: CreditView, first: int, last: int) -> SerialConflict | None:
    """Compare the numbers asked for, one tonne each, with the holder's. None if they have none in common."""
    block = parse_numbers(holder.serial_number)
    if block is None or block.first > last or block.last < first:
        return None
    is_inside = block.first <= first and last <= block.last
    return SerialConflict(
        holder,
        max(first, block.first),
        min(last, block.last),
        is_inside=is_inside,
        is_same=(block.first, block.last) == (first, last),
        is_exact=True,
        split=_split(holder, block, first, last) if is_inside else (),
    )


def conflict_from_error(holder: CreditView, refusal: BlockHeld) -> SerialConflict | None:
    """Return the conflict of a BlockHeld error with its holder. None if the numbers are free by now."""
    held = conflict_over(holder, refusal.first, refusal.last)
    return held and replace(
        held,
        is_inside=refusal.is_inside,
        is_same=refusal.is_same,
        is_exact=refusal.is_exact,
        split=held.split if refusal.is_inside and refusal.is_exact else (),
    )


def _split(holder: CreditView, block: SerialBlock, first: int, last: int) -> tuple[int, ...]:
    around = (first - block.first, last - first + 1, block.last - last)
    is_block = block.is_clear and block.length * E4 == holder.quantity_e4
    lengths = tuple(length for length in around if length)
    return lengths if is_block and EventType.SPLIT in holder.allowed_actions and len(lengths) > 1 else ()
