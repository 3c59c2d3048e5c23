"""Serial numbers and blocks of them as pages speak of them: who holds these, and how to part them."""

from flask import url_for
from markupsafe import Markup

from webapp.domain.errors import BlockHeld, Problem, SerialHeld
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.domain.serial_blocks import SerialBlock, parse_block
from webapp.ledger import queries
from webapp.ledger.queries import CreditView
from webapp.web.formats import tonnes
from webapp.web.forms import FieldForm


def block_of(credit: CreditView) -> SerialBlock | None:
    """Return the block of numbers that the credit is, one for each of its tonnes."""
    block = parse_block(credit.serial_number)
    return block if block and block.length * E4 == credit.quantity_e4 else None


def split_address(credit: CreditView, part: SerialBlock | None) -> str | None:
    """Return the address where the credit can be split so that `part` is one of the lots.

    None where it cannot be split, or where `part` is not a part of it.
    """
    block = block_of(credit)
    if block is None or part is None or part.series != block.series:
        return None
    if EventType.SPLIT not in credit.open_acts:
        return None
    lengths = [part.first - block.first, part.length, block.last - part.last]
    quantities = [str(length) for length in lengths if length]
    if min(lengths) < 0 or len(quantities) == 1:
        return None
    return url_for("splits.split", credit_id=credit.id, quantities="\n".join(quantities))


def show_holder(form: FieldForm, refusal: SerialHeld) -> None:
    """Say beside the serial number who holds it, and what can be done with the holder instead."""
    holder = queries.credit(refusal.holder)
    said = Markup('{}: <a href="{}"><bdi>{}</bdi>, {}, {}</a>.').format(
        _sentence(refusal),
        url_for("credits.show", credit_id=holder.id),
        holder.project_name,
        holder.vintage,
        tonnes(holder.quantity),
    )
    if isinstance(refusal, BlockHeld):
        said += _offers(holder, refusal)
    form.show([Problem("serial_number", Markup("<span>{}</span>").format(said))])


def _sentence(refusal: SerialHeld) -> str:
    if isinstance(refusal, BlockHeld):
        return BlockHeld.numbers_held(refusal.first, refusal.last, is_inside=refusal.is_inside)
    return "Another credit of this registry holds this serial number"


def _offers(holder: CreditView, refusal: BlockHeld) -> Markup:
    """Return what can be done with the larger block in place of recording a part of it again."""
    address = split_address(holder, parse_block(refusal.serial_number))
    if address is None:
        return Markup("")
    return Markup(
        ' Do not record a part of it again: <a href="{}">split that credit</a> so that these numbers '
        "are a lot of their own, then sell or retire the lot."
    ).format(address)
