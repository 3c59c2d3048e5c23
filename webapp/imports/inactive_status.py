"""Find out whether a row of a file states, in any column or spelling, that its tonnes are not active.

Registries, spreadsheets and other programs have many ways to state that tonnes are retired, cancelled,
withdrawn, used, converted or in a buffer. Such a row is never recorded as active: ``stated_end`` judges
its marks, and a row whose marks are not understood is refused with a message that quotes them.
``column_names`` classifies the column names. This module does not look at the ledger.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.errors import Problem
from webapp.domain.text import canonical
from webapp.imports.cell_values import MISSING_TEXTS
from webapp.imports.column_names import Column, Role, column_of, plain_words

SHOWN_MAX: Final = 80
MARKS_SHOWN: Final = 3
# A status, a note or a flag is short. What is longer is cut before it is looked at.
_VALUE_MAX: Final = 300

_REFUSED: Final = "{} tonnes cannot be recorded as active stock; leave the row out."
_HISTORY: Final = "The history would be lost and the tonnes counted twice; leave the row out."

_INACTIVE: Final = (
    # What is under way comes first, because its words name an end that has not come.
    r"(?:(?P<Inactive>inactive|expired|void(?:ed)?|consumed|burn(?:ed|t)|(?:not|no longer) (?:active|valid)"
    r"|(?:pending|requested|planned|scheduled|awaiting) (?:retirement|cancell?ation|withdrawal)"
    r"|(?:retirement|cancell?ation|withdrawal) (?:is )?(?:pending|requested|planned|scheduled|in progress))"
    r"|(?P<Retired>retir(?:ed|e|al|ements?|ing|ad[oa]s?|é(?:e|s|es)?)|stillgelegte?|stilllegung|entwertete?)"
    r"|(?P<Cancelled>cancel(?:l?ed|s|l?ations?|l?ing|ad[oa]s?)?|anulad[oa]s?|annulé(?:e|s|es)?|stornierte?)"
    r"|(?P<Withdrawn>withdr(?:awn|awals?|ew))"
    r"|(?P<Used>used)"
    r"|(?P<Converted>converted|conversion)"
    r"|(?P<Buffer>buffer(?:ed)?)"
    r"|(?P<Invalidated>invalidated)"
    r"|(?P<Surrendered>surrendered)"
    r"|(?P<Redeemed>redeemed|redemption)"
    r"|(?P<Revoked>revoked))"
)
_UNNAMED: Final = re.sub(r"\?P<\w+>", "?:", _INACTIVE)
_INACTIVE_WORD: Final = re.compile(rf"\b{_INACTIVE}\b")
_STEM: Final = re.compile(
    "retir cancel withdr used conver buffer invalid surrender redee redem revok inactiv expir void consum "
    "burn activ valid still entwert anul storn pending request planned schedul await".replace(" ", "|")
)
# In a column that is about something else, only a status that is the whole value says something, and
# only in words that say nothing else there: machines are used, and warranties expire.
_WHOLE_STATUS: Final = re.compile(
    rf"(?!used|conver|inactive|expired|void|consumed|burn|not|no|pending|request|planned|schedul|await)"
    rf"{_INACTIVE}(?: (?:account|pool|pool account|credits?|units?|tonnes))?"
)
# "not yet retired", "can be cancelled", "available for retirement".
_NEGATED: Final = re.compile(
    r"\b(?:not|never|non|un|no|(?:can|could|may|to) be|(?:available|eligible|held|issued|active) for)"
    rf"(?: (?:yet|been|be|a|any|fully))*[ -]{_UNNAMED}(?: (?:or|and|nor) {_UNNAMED})*\b"
)
# A note stands in words of its own, or behind the last separator of the serial number.
_NOTE: Final = re.compile(
    rf"(?:(?:^|[\s()\[\]{{}},;:])|[-_/](?=\w+\W*$)){_INACTIVE}(?![\w-])",
)
_ACTIVE: Final = frozenset("active issued issuance available held".split())
_NO: Final = frozenset(["false", "no", "n", "f", "off", "never", "none"])
_MISSING: Final = frozenset(map(plain_words, MISSING_TEXTS)) | {"not yet"}
# No number, date or time: "0", "0.00", "0,0 t", "0000-00-00 00:00".
_ZERO: Final = re.compile(r"[-+.,]*0[0.,'’\s/:%-]*(?:t|tco2e?|tonnes?|tons?)?")  # noqa: RUF001
_DENIED: Final = re.compile("un(?:retired|cancell?ed|withdrawn|used|sold)")
_TICKS: Final = re.compile("[√✓✔☑✅]")

_CREATION: Final = re.compile(
    r"creat(?:e|ion)|\b(?:issu(?:e|ance)|regist|mint|record|import|add(?:ed)?\b|new\b|init)"
)
# Where an event of another program says what it is, the clearest first.
_EVENT_TYPES: Final = (
    "eventtype type event action kind transactiontype transaction operation status state activity "
    "eventname name verb act message"
).split()


@dataclass(frozen=True)
class InactiveMark:
    """A field that says that tonnes are not active.

    `name` and `value` are for messages; `header` and `raw` are those of the row. `adjective` says what the
    tonnes are, such as "Retired"; it is empty for a history. `is_listed`: the value is in a list, so it
    may be about a part of the tonnes or about an earlier time.
    """

    name: str
    value: str
    reason: str
    header: str
    raw: object
    column: Column
    adjective: str = ""
    is_date: bool = False
    is_listed: bool = False


# A column by its name, and what texts in it say.
_Remembering = tuple[str, Column, dict[str, tuple[InactiveMark, ...]]]
_REMEMBERED_MAX: Final = 500


def not_active(row: Mapping[str, object]) -> Problem | None:
    """Return the problem of a row that states that its tonnes are not active, None for any other row.

    `row` is a decoded JSON object. The problem has the first field that says so, and names up to
    `MARKS_SHOWN` of them with their values. A status of the row's own that says that it is active
    overrides a date, and nothing else.
    """
    return problem_of(MarkFinder({name: column_of(name) for name in row}).find(row))


class MarkFinder:
    """Finds what rows with the same columns say about tonnes that are not active.

    What a text says in a column is remembered, since most columns repeat few texts.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        """Bind the columns; those that say nothing may be left out."""
        self._columns: list[_Remembering] = [(name, column, {}) for name, column in columns.items()]
        self._own_statuses = [name for name, column in columns.items() if column.is_own_status]
        # The date of a status says which status only beside the columns of a retirement.
        self._act = next((column for column in columns.values() if column.is_act), None)
        self._status_dates = [
            (name, column) for name, column in columns.items() if column.role is Role.STATUS_DATE
        ]

    def find(self, row: Mapping[str, object]) -> list[InactiveMark]:
        """Return the marks of a row.

        A status of the row's own that says that it is active overrides a date, and nothing else.
        """
        said: list[InactiveMark] = []
        for name, column, remembered in self._columns:
            value = row.get(name)
            if value is None or value == "":
                continue
            if type(value) is not str:
                said += _said(name, column, value)
                continue
            known = remembered.get(value)
            if known is None:
                known = tuple(_said(name, column, value))
                if len(remembered) < _REMEMBERED_MAX and len(value) <= SHOWN_MAX:
                    remembered[value] = known
            said += known
        if self._act:
            said += self._dates_of_status(row, self._act.adjective)
        if said and self.says_active(row):
            return [mark for mark in said if not mark.is_date]
        return said

    def says_active(self, row: Mapping[str, object]) -> bool:
        """Return whether a status of the row's own says that its tonnes are active."""
        return any(_is_active(row.get(name)) for name in self._own_statuses)

    def _dates_of_status(self, row: Mapping[str, object], adjective: str) -> Iterator[InactiveMark]:
        reason = _REFUSED.format(adjective)
        for name, column in self._status_dates:
            value = row.get(name)
            if not _is_missing(value):
                shown = _shown(value)
                yield InactiveMark(_shown(name), shown, reason, name, value, column, adjective, is_date=True)


def problem_of(said: Sequence[InactiveMark]) -> Problem | None:
    """Return the problem that names the first `MARKS_SHOWN` marks, None if there are none."""
    if not said:
        return None
    named = "; ".join(f"{mark.name}: {mark.value}" for mark in said[:MARKS_SHOWN])
    more = len(said) - MARKS_SHOWN
    also = f"; and {more} more" if more > 0 else ""
    return Problem(said[0].name, f"This row says {named}{also}. {said[0].reason}")


def says_inactive(value: object) -> bool:
    """Return whether the value of a status field means that tonnes are not active."""
    return _inactive_word(_text(value)) is not None


def is_active_status(value: object) -> bool:
    """Return whether the value of a status field is missing, or says that tonnes are active."""
    text = _text(value)
    if _is_missing(value) or _is_no(value) or _is_active(value):
        return True
    return not _without_denials(text) or bool(_DENIED.fullmatch(plain_words(text)))


def _said(name: str, column: Column, value: object, *, is_listed: bool = False) -> Iterator[InactiveMark]:
    """Yield the marks of one field, and of the elements and fields in it."""
    if isinstance(value, list):
        if (column.role is Role.LOTS and value) or (column.role is Role.EVENTS and not _is_creation(value)):
            yield InactiveMark(_shown(name), _history_shown(value), _HISTORY, name, value, column)
            return
        for element in value:
            yield from _said(name, column, element, is_listed=True)
    elif isinstance(value, dict):
        for inner, item in value.items():
            path = f"{name}.{inner}"
            yield from _said(path, column_of(path), item, is_listed=is_listed)
    elif adjective := _adjective(column, value):
        reason = _REFUSED.format(adjective)
        yield InactiveMark(
            _shown(name),
            _shown(value),
            reason,
            name,
            value,
            column,
            adjective,
            is_date=column.is_date,
            is_listed=is_listed,
        )


def _adjective(column: Column, value: object) -> str | None:
    """Return the status that the value states in this column, such as "Retired", or None."""
    if column.role is Role.SILENT or value is None:
        return None
    if column.role is Role.INACTIVE:
        return None if _denies(column, value) else column.adjective
    if column.role is Role.ACTIVE and _is_no(value):
        return "Inactive"
    text = _text(value)
    if column.role is Role.SERIAL_NUMBER:
        return _adjective_in(_NOTE, canonical(text)) if _has_stem(text) else None
    if column.role is Role.OTHER:
        return _whole_status(text)
    return _inactive_word(text)


def _inactive_word(text: str) -> str | None:
    return _adjective_in(_INACTIVE_WORD, plain_words(text)) if _has_stem(text) else None


def _whole_status(text: str) -> str | None:
    if len(text) > SHOWN_MAX or not _has_stem(text):
        return None
    found = _WHOLE_STATUS.fullmatch(plain_words(text))
    return found.lastgroup if found else None


def _adjective_in(pattern: re.Pattern[str], words: str) -> str | None:
    found = pattern.search(_NEGATED.sub("", words))
    return found.lastgroup if found else None


def _has_stem(text: str) -> bool:
    """Return False quickly for most texts that state nothing. Non-ASCII texts are always examined."""
    return not text.isascii() or bool(_STEM.search(text.lower()))


def _denies(column: Column, value: object) -> bool:
    """Return whether the value negates the column name, such as "no" or 0 under "retired"."""
    text = _text(value)
    if column.adjective.startswith("Buffer") and "%" in text:  # a rate of the project, and no tonnes
        return True
    if _is_missing(value) or _is_no(value) or _is_active(value):
        return True
    return not _without_denials(text) or bool(_DENIED.fullmatch(plain_words(text)))


def _is_missing(value: object) -> bool:
    text = _text(value)
    return (plain_words(text) in _MISSING and not _TICKS.search(text)) or bool(
        _ZERO.fullmatch(canonical(text))
    )


def _is_no(value: object) -> bool:
    text = _text(value)
    return _is_zero(text) or plain_words(text) in _NO


def _is_zero(text: str) -> bool:
    return bool(_ZERO.fullmatch(canonical(text)))


def _is_active(value: object) -> bool:
    words = _without_denials(_text(value)).split()
    return bool(words) and all(word in _ACTIVE for word in words)


def _without_denials(text: str) -> str:
    words = plain_words(text)
    return _NEGATED.sub("", words).strip() if words else text


def _is_creation(events: Sequence[object]) -> bool:
    """Return whether the list of events has nothing but a creation."""
    if len(events) != 1:
        return not events
    kind = _event_type(events[0])
    return not kind or bool(_CREATION.search(plain_words(kind)) and not _inactive_word(kind))


def _event_type(event: object) -> str:
    """Return the type of the event as text, empty if it has none."""
    if not isinstance(event, dict):
        return "" if isinstance(event, Number) else _text(event)
    types = {plain_words(name).replace(" ", ""): value for name, value in event.items()}
    for name in _EVENT_TYPES:
        value = types.get(name)
        if isinstance(value, str) and not isinstance(value, Number) and plain_words(value):
            return value[:_VALUE_MAX]
    return ""


def _history_shown(entries: Sequence[object]) -> str:
    types = [_event_type(entry) for entry in entries[: SHOWN_MAX // 2]]
    if all(types):
        return _shown(", ".join(types))
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"


def _text(value: object) -> str:
    """Return a JSON scalar as stripped text of at most _VALUE_MAX characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value[:_VALUE_MAX].strip() if isinstance(value, str) else ""


def _shown(value: object) -> str:
    text = _printable(_text(value))
    half = SHOWN_MAX // 2
    return text if len(text) <= SHOWN_MAX else f"{text[:half]}…{text[-half:]}"  # a note is at the end


def _printable(text: str) -> str:
    """Return the text on one line without unprintable characters, for messages."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_VALUE_MAX]).split())
