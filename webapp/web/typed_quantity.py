"""Quantities as people type them on a form: plain digits, or a usual spelling of them."""

import re
from typing import Final

from webapp.domain.fields import QUANTITY_PATTERN, FieldError, QuantityField
from webapp.domain.text import strip_edges
from webapp.imports.cell_values import Ambiguous, read_quantity

_PLAIN: Final = re.compile(QUANTITY_PATTERN)
_SHOWN_MAX: Final = 80


def plain_quantity(text: str | None) -> str | None:
    """Return a typed quantity in plain digits: "1234567.5" for "1 234 567,5 t".

    "1,234" is 1234, as the pages write it, and "1.234" is plain digits already. A text that is no quantity
    is returned as it is, so that the domain refuses it.
    """
    try:
        return _read(text)
    except FieldError:
        return text


def quantity_error(field: QuantityField, text: str | None) -> str | None:
    """Return why a typed quantity is refused, with its value; None if it is not."""
    try:
        field.parse(_read(text))
    except FieldError as refusal:
        shown = _shown(text or "")
        return str(refusal) if not shown or shown in str(refusal) else f"{shown} is not possible. {refusal}"
    return None


def _read(text: str | None) -> str | None:
    typed = strip_edges(text or "")
    if not typed or _PLAIN.fullmatch(typed):
        return typed
    try:
        plain = read_quantity(typed)
    except Ambiguous:  # "1,234": read as the pages write it, with commas between thousands
        plain = read_quantity(typed, ".")
    if plain is None:  # what means "missing" in a file, such as "-"
        raise FieldError(f"{_shown(typed)} is not a quantity in plain digits, such as 1234.5.")
    return plain


def _shown(text: str) -> str:
    typed = " ".join(text.split())
    if len(typed) > _SHOWN_MAX:
        typed = f"{typed[:_SHOWN_MAX]}…"
    return f"“{typed}”" if typed else ""
