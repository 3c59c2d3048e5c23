"""Decide what a row says became of its tonnes: still active, retired, withdrawn, or not understood.

``inactive_status`` finds the marks. A mark that this module does not understand leaves the
row refused. The rules are in "What a row says about its tonnes" in docs/imports.md.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from webapp.imports.column_names import Role, column_of, plain_words
from webapp.imports.formats.format import (
    CREDIT_FIELDS,
    END_FIELDS,
    OTHER_BENEFICIARY,
    RETIRED_TONNES,
    WITHDRAWN_TONNES,
    FileMeaning,
)
from webapp.imports.inactive_status import InactiveMark

EITHER_NOTE: Final = "The file does not say whether retired or cancelled."

_CLAIMS: Final = frozenset({"retired", "used", "surrendered", "redeemed"})
_WITHDRAWALS: Final = frozenset({"withdrawn", "invalidated", "converted", "buffer", "revoked"})
_UNCLEAR: Final = frozenset({"inactive"})
_CANCELLED: Final = "cancelled"
_BUFFER: Final = "buffer"
_DEFAULT_REASONS: Final = {
    "buffer": "Buffer pool",
    "converted": "Conversion",
    "invalidated": "Invalidation",
    "withdrawn": "Withdrawn",
    "revoked": "Revoked",
}
# A status about some of the tonnes, or one that says two things.
_PARTLY: Final = re.compile(r"\bpart(?:s|ly|ial|ially)?\b|\bsome\b|\b\d+ of \d|\b(?:active|available|held)\b")
_FLAG: Final = re.compile("true|yes|y|x|ja|si|sí|oui|sim|on|t")
_ONE: Final = frozenset({"1", "1 0"})
_WHOLE_FIELDS: Final = frozenset({*END_FIELDS, OTHER_BENEFICIARY, *CREDIT_FIELDS})
_TICK: Final = re.compile("[√✓✔☑✅]")
_IS_FLAG: Final = re.compile(r"\b(?:is|has|was)\b|^is|\?$")
# A column that says more about an act that took place.
_DETAIL: Final = re.compile(
    r"\b(?:reason|details?|type|by|for|purposes?|ids?|beneficiary|notes?|url|account|country|year|reference"
    r"|use case|entity|holder|owner|user|name|subject|destination|operator|behalf|comments?|text|link)\b"
)

# A column whose numbers are no tonnes.
_NUMBERED: Final = re.compile(r"\b(?:ids?|year|reference|number|no|nr|account|code|url|link)\b")
_ALL_DIGITS: Final = re.compile("[0-9 ]+")

_CONVERSION: Final = re.compile(r"\bconver|\btransition")
_PROGRAMMES: Final = (
    (re.compile(r"\b(?:arb|carb|california|arbocs?)\b"), "arb"),
    (re.compile(r"\b(?:verra|vcs|vcus?)\b"), "verra"),
    (re.compile(r"\b(?:ecology|washington)\b"), "washington-ecology"),
    (re.compile(r"\bgold standard\b"), "gold-standard"),
)


_CANCEL: Final = re.compile(r"\bcancel")


class Fate(Enum):
    """What became of the tonnes of a row."""

    ACTIVE = auto()
    RETIRED = auto()
    WITHDRAWN = auto()
    # Retired or cancelled: the file does not say which.
    EITHER = auto()
    NOT_UNDERSTOOD = auto()


# By its reason a registry's cancellation is a retirement or a withdrawal. The first that is found counts.
_REASONS: Final = (
    (re.compile(r"\bcorsia\b"), Fate.RETIRED),
    (
        re.compile(r"\bbuffer|\binvalid|\badministrat|\btransfer|\bconver|\bremoval|\breversal|\bexport"),
        Fate.WITHDRAWN,
    ),
    (re.compile(r"\bvoluntar(?:y|ily)\b|\bretire|\bon behalf\b"), Fate.RETIRED),
)


def fate_of(
    said: Sequence[InactiveMark],
    meaning: FileMeaning,
    columns: Mapping[str, str],
    texts: Mapping[str, str],
    *,
    says_active: bool,
) -> Fate:
    """Return what became of the tonnes, by the marks of the row and the kind of its file.

    `columns` maps headers to fields; `texts` are the values of the fields of an end. A status of the row
    wins over the details of a retirement or cancellation, and these over the kind of the file.
    """
    if not all(is_understood(mark, columns) for mark in said) or (says_active and said):
        return Fate.NOT_UNDERSTOOD
    statuses = _words(said, of_status=True)
    details = _words(said, of_status=False)
    if statuses:
        return _by_status(statuses, details, texts)
    if details:
        return _by_details(details, meaning, texts)
    return Fate.ACTIVE if says_active else _by_kind(meaning, texts)


def default_reason(said: Sequence[InactiveMark], meaning: FileMeaning) -> str:
    """Return the reason of a withdrawal whose row states none: what its status says."""
    words = _words(said, of_status=True) | _words(said, of_status=False)
    for word, reason in _DEFAULT_REASONS.items():
        if word in words:
            return reason
    return "Cancelled" if _CANCELLED in words or meaning is FileMeaning.CANCELLATIONS else ""


def programme_converted_to(texts: Sequence[str]) -> str:
    """Return the registry that issued other units for tonnes that were converted, as formats name it.

    `texts` are the reason, which must name a conversion, and what else the row says about it.
    """
    if not texts or not _CONVERSION.search(plain_words(texts[0])):
        return ""
    words = plain_words(" ".join(texts))
    return next((name for pattern, name in _PROGRAMMES if pattern.search(words)), "")


def is_understood(mark: InactiveMark, columns: Mapping[str, str]) -> bool:
    """Return whether the mark is about all tonnes of the row, in a way that can be recorded."""
    if not mark.adjective or _UNCLEAR & set(_adjectives(mark)):
        return False
    words = _value_words(mark.raw)
    if mark.column.role is not Role.INACTIVE:
        return not mark.is_listed and (mark.is_date or not _PARTLY.search(words))
    # A quantity or a serial number in a column such as "Quantity retired" is that of the row.
    if columns.get(mark.header) in _WHOLE_FIELDS:
        return True
    return not mark.is_listed and (mark.is_date or _is_about_all(mark, words))


def _is_about_all(mark: InactiveMark, words: str) -> bool:
    """Return whether the value in a column such as "Retired" is a flag or a detail, not a number."""
    name = plain_words(mark.header)
    if _is_flag(mark.raw, words, name):
        return True
    if _ALL_DIGITS.fullmatch(words):
        return bool(_NUMBERED.search(name))
    is_plain = not any(character.isdigit() for character in words) and not _PARTLY.search(words)
    return is_plain or bool(_DETAIL.search(name))


def _value_words(value: object) -> str:
    return plain_words(value) if isinstance(value, str) else "true"


def _is_flag(value: object, words: str, name: str) -> bool:
    """Return whether the value is a flag that is set. A 1 is one only in a column such as `is_retired`."""
    if words in _ONE and isinstance(value, str):
        return bool(_IS_FLAG.search(name))
    has_tick = isinstance(value, str) and bool(_TICK.search(value))
    return has_tick or bool(_FLAG.fullmatch(words))


def tonnes_field_of(header: str) -> str:
    """Return the field of tonnes of a column with this name if its values are numbers, otherwise empty."""
    column = column_of(header)
    if column.role is not Role.INACTIVE or column.is_date or _NUMBERED.search(plain_words(header)):
        return ""
    words = set(column.adjective.lower().split(" or "))
    if words <= _CLAIMS:
        return RETIRED_TONNES
    return "" if words & _CLAIMS and _BUFFER not in words else WITHDRAWN_TONNES


def _words(said: Sequence[InactiveMark], *, of_status: bool) -> set[str]:
    return {
        word
        for mark in said
        if (mark.column.role not in {Role.INACTIVE, Role.STATUS_DATE}) is of_status
        for word in _adjectives(mark)
    }


def _adjectives(mark: InactiveMark) -> Collection[str]:
    return mark.adjective.lower().split(" or ")


def _by_kind(meaning: FileMeaning, texts: Mapping[str, str]) -> Fate:
    """Decide by the kind of the file alone."""
    if meaning is FileMeaning.RETIREMENTS:
        return Fate.RETIRED
    return _by_reason(texts) if meaning is FileMeaning.CANCELLATIONS else Fate.ACTIVE


def _by_status(statuses: set[str], details: set[str], texts: Mapping[str, str]) -> Fate:
    claims, withdrawals = statuses & _CLAIMS, statuses & _WITHDRAWALS
    if _BUFFER in statuses | details:
        return Fate.WITHDRAWN
    if claims:
        return Fate.NOT_UNDERSTOOD if withdrawals or details & _WITHDRAWALS else Fate.RETIRED
    if withdrawals:
        return Fate.NOT_UNDERSTOOD if _beneficiary(texts) else Fate.WITHDRAWN
    return _by_reason(texts)


def _by_details(details: set[str], meaning: FileMeaning, texts: Mapping[str, str]) -> Fate:
    if _BUFFER in details:
        return Fate.WITHDRAWN
    claims, withdrawals = details & _CLAIMS, details & _WITHDRAWALS
    if withdrawals:
        return Fate.NOT_UNDERSTOOD if claims else Fate.WITHDRAWN
    if _CANCELLED not in details:
        # A cancellation may be for an airline, whose name alone says "used".
        return _by_reason(texts) if meaning is FileMeaning.CANCELLATIONS else Fate.RETIRED
    if claims and meaning is not FileMeaning.CANCELLATIONS:
        return _retired_or_cancelled(texts)
    return _by_reason(texts)


def _retired_or_cancelled(texts: Mapping[str, str]) -> Fate:
    """Decide for a row whose columns are those of retirements and cancellations alike."""
    found = _named_by(texts.get("reason", ""))
    if found is not None:
        return found
    if not _beneficiary(texts):
        of_note = _named_by(texts.get("note", ""))
        if of_note is not None:
            return of_note
        if _CANCEL.search(plain_words(texts.get("reason", ""))):
            return Fate.WITHDRAWN
    return Fate.RETIRED if texts.get("reason") or _beneficiary(texts) else Fate.EITHER


def _by_reason(texts: Mapping[str, str]) -> Fate:
    """Decide for a cancellation: without a reason that names a use or a beneficiary it is no claim."""
    found = _named_by(texts.get("reason") or texts.get("note") or "")
    if found is not None:
        return found
    return Fate.RETIRED if texts.get("beneficiary") else Fate.WITHDRAWN


def _named_by(reason: str) -> Fate | None:
    words = plain_words(reason)
    return next((fate for pattern, fate in _REASONS if pattern.search(words)), None)


def _beneficiary(texts: Mapping[str, str]) -> str:
    return texts.get("beneficiary") or texts.get(OTHER_BENEFICIARY) or ""
