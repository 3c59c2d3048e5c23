"""Serial numbers and blocks of them as pages speak of them: who holds these, and how to part them."""

from urllib.parse import urlencode

from markupsafe import Markup

from webapp.domain.errors import BlockHeld, Problem, SerialHeld
from webapp.domain.fields import E4
from webapp.domain.serial_number import SerialBlock, parse_block
from webapp.ledger import queries
from webapp.ledger.serial_conflicts import SerialConflict, conflict_from_error
from webapp.ledger.views import CreditView
from webapp.web.formats import tonnes
from webapp.web.forms import FieldForm


def block_of(credit: CreditView) -> SerialBlock | None:
    """Return the block of numbers that the credit is, one for each of its tonnes."""
    block = parse_block(credit.serial_number)
    return block if block and block.length * E4 == credit.quantity_e4 else None


def split_address(conflict: SerialConflict | None) -> str | None:
    """Return the address where the holder can be split so that the numbers are one of the lots, if any."""
    if conflict is None or not conflict.split:
        return None
    query = urlencode({"quantities": "\n".join(map(str, conflict.split))})
    return f"/credits/{conflict.holder.id}/split?{query}"


def show_conflict(form: FieldForm, refusal: SerialHeld) -> None:
    """Say beside the serial number who holds it, and what can be done with the holder instead."""
    holder = queries.credit(refusal.holder)
    said = Markup('{}: <a href="{}"><bdi>{}</bdi>, {}, {}</a>.').format(
        _sentence(refusal),
        f"/credits/{holder.id}",
        holder.project_name,
        holder.vintage,
        tonnes(holder.quantity),
    )
    said += _advice(holder, refusal)
    form.show([Problem("serial_number", Markup("<span>{}</span>").format(said))])


def _sentence(refusal: SerialHeld) -> str:
    if isinstance(refusal, BlockHeld):
        return BlockHeld.numbers_held(
            refusal.first, refusal.last, is_inside=refusal.is_inside, is_same=refusal.is_same
        )
    return "Another credit of this registry holds this serial number"


def _advice(holder: CreditView, refusal: SerialHeld) -> Markup:
    """Return what can be done with the holder in place of recording its numbers again."""
    conflict = conflict_from_error(holder, refusal) if isinstance(refusal, BlockHeld) else None
    if conflict is None:
        return Markup("")
    said = Markup(" {}").format(conflict.advice)
    address = split_address(conflict)
    if address:
        said += Markup(' <a href="{}">Show that split</a>.').format(address)
    return said
