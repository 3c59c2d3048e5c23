"""Serial numbers on pages: the block of a credit, and conflicts with the credit that holds a number."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from webapp.domain.errors import BlockHeld, Problem, SerialHeld
from webapp.domain.fields import E4
from webapp.domain.serial_number import SerialBlock, parse_block
from webapp.ledger import queries
from webapp.ledger.serial_conflicts import SerialConflict, conflict_from_error
from webapp.ledger.views import CreditView
from webapp.web.formats import CACHE_SIZE, tonnes
from webapp.web.forms import FieldForm

# Characters of a serial number in a narrow column: of one that is shown whole, and of the parts of others.
_SHOWN_WHOLE: Final = 26
_START: Final = 4
_BEFORE: Final = 6
_END: Final = 18
# From this number on, the numbers of a block say which they are without its series.
_UNIQUE_FROM: Final = 1_000_000


def block_of(credit: CreditView) -> SerialBlock | None:
    """Return the credit's block of serial numbers, None unless it has one number for each tonne."""
    block = parse_block(credit.serial_number)
    return block if block and block.length * E4 == credit.quantity_e4 else None


@lru_cache(CACHE_SIZE)
def short_serial(serial_number: str) -> str:
    """Return a serial number for a narrow column: its numbers alone, or "GS1-…30306-1-2497".

    Long numbers of a block are unique in their registry, so they stand alone. Others keep what is before
    them. A text without a block loses its middle.
    """
    if len(serial_number) <= _SHOWN_WHOLE:
        return serial_number
    block = parse_block(serial_number)
    if block is None:
        return f"{serial_number[:_START]}…{serial_number[-_END:]}"
    if block.first >= _UNIQUE_FROM and not block.width:
        return f"{block.first:,} \N{EN DASH} {block.last:,}"
    series, _, tail = block.notation
    numbers = serial_number[len(series) : len(serial_number) - len(tail)]
    if len(series) > _START + _BEFORE:
        series = f"{series[:_START]}…{series[-_BEFORE:]}"
    return f"{series}{numbers}{'…' if tail else ''}"


def split_address(conflict: SerialConflict | None) -> str | None:
    """Return the address that splits the holder so that the numbers become a lot, None if impossible."""
    if conflict is None or not conflict.split:
        return None
    query = urlencode({"quantities": "\n".join(map(str, conflict.split))})
    return f"/credits/{conflict.holder.id}/split?{query}"


def show_conflict(form: FieldForm, refusal: SerialHeld) -> None:
    """Add an error to the serial number: the credit that holds it, and what can be done with that."""
    holder = queries.credit(refusal.holder)
    message = Markup('{}: <a href="{}"><bdi>{}</bdi>, {}, {}</a>.').format(
        _sentence(refusal),
        f"/credits/{holder.id}",
        holder.project_name,
        holder.vintage,
        tonnes(holder.quantity),
    )
    message += _advice(holder, refusal)
    form.show([Problem("serial_number", Markup("<span>{}</span>").format(message))])


def _sentence(refusal: SerialHeld) -> str:
    if isinstance(refusal, BlockHeld):
        return BlockHeld.numbers_held(
            refusal.first, refusal.last, is_inside=refusal.is_inside, is_same=refusal.is_same
        )
    return "Duplicate: another credit of this registry holds this serial number"


def _advice(holder: CreditView, refusal: SerialHeld) -> Markup:
    """Return the advice about the holder, with a link to the split, as markup."""
    conflict = conflict_from_error(holder, refusal) if isinstance(refusal, BlockHeld) else None
    if conflict is None:
        return Markup("")
    advice = Markup(" {}").format(conflict.advice)
    address = split_address(conflict)
    if address:
        advice += Markup(' <a href="{}">Show that split</a>.').format(address)
    return advice


FILTERS: Final[dict[str, Callable[..., str]]] = {"short_serial": short_serial}
