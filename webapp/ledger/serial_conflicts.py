"""What can be done with a credit that holds numbers which somebody wanted to record.

Pure: the credit as it is now, and the numbers that were asked for. The edges say it in their own
way: a page with a link, the API with the split to send.
"""

from dataclasses import dataclass, replace
from typing import Final

from webapp.domain.errors import BlockHeld
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.serial_number import SerialBlock, parse_numbers
from webapp.ledger.views import CreditView

_RECORDED: Final = "in place of recording it again."
_SAME: Final = {
    Status.ACTIVE: f"Sell or retire that credit {_RECORDED}",
    Status.SOLD: f"That credit is sold: retire it {_RECORDED}",
}
_OWN_LOT: Final = "so that these numbers are a lot of their own"
_SPLIT_OFF: Final = {
    Status.ACTIVE: f"Split that credit {_OWN_LOT}, and sell or retire that lot {_RECORDED}",
    Status.SOLD: f"That credit is sold: split it {_OWN_LOT}, and retire that lot {_RECORDED}",
}
# A holder that is no block: no lot of it would have just these numbers.
_INSIDE: Final = {
    Status.ACTIVE: f"Sell or retire a part of that credit {_RECORDED}",
    Status.SOLD: f"That credit is sold: retire a part of it {_RECORDED}",
}
NOT_EXACT: Final = (
    "Its quantity is not the number of its numbers, so it cannot be a lot of that credit: compare the two."
)
_RETIRED: Final = "That credit is retired, so nothing more can be done with these tonnes."
_COMPARE: Final = "One of the two states wrong numbers: compare them, and record only those that are free."
_SPLIT: Final = "That credit was split, and its lots have these tonnes now: act on one of them."
_FREE: Final = "That credit is cancelled since, so the numbers are free: try again."


@dataclass(frozen=True)
class SerialConflict:
    """Which of the numbers asked for a credit holds, `first` to `last`, and what fits them both.

    `is_inside` says that it holds all of them, `is_same` that it holds no others. `split` are the
    whole tonnes of lots of which one is these numbers; it is empty where no split helps. `is_exact`
    says that there is one tonne for each of the numbers asked for, as a lot would have it.
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
        """What to do now, in a sentence that fits the status of the holder."""
        match self.holder.status:
            case _ if not self.is_exact:
                return NOT_EXACT
            case Status.SPLIT:
                return _SPLIT
            case Status.CANCELLED:
                return _FREE
            case _ if not self.is_inside:
                return _COMPARE
            case Status.RETIRED:
                return _RETIRED
            case status:
                return (_SAME if self.is_same else _SPLIT_OFF if self.split else _INSIDE)[status]


def conflict_over(holder: CreditView, first: int, last: int) -> SerialConflict | None:
    """Compare the numbers asked for, one for each tonne, with the holder's.

    None where they have none in common.
    """
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
    """Compare what was refused with its holder. None where that does not hold these numbers."""
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
