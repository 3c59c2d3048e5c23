"""Read the rows of an array of JSON one after another, in bounded memory.

The text comes in blocks. A row is decoded when its whole text is in the window; what comes before it is
dropped. The array is the whole text, or the only array among the members of an object.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from webapp.domain.canonical_json import MAX_DEPTH, NotJson, decode_from, decode_text
from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROW_CHARACTERS_MAX

# Names of members of the object around the array: far more than the answer of any program has.
_MEMBERS_MAX: Final = 5_000
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_MARK: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_NO_ARRAY: Final = "This is not an object with one array of credits in it."
_NO_ROWS: Final = "There are no rows in this file."

# The text of a row, and what it says.
Row = tuple[str, object]


class _Fault(Enum):
    """What is wrong with a value."""

    TOO_LONG = auto()
    TOO_DEEP = auto()
    CUT_OFF = auto()
    NOT_JSON = auto()


class _BadValueError(Exception):
    """A value cannot be read. The message says why it is not JSON."""

    def __init__(self, fault: _Fault, reason: str = "") -> None:
        """Store what is wrong."""
        super().__init__(reason)
        self.fault = fault


class TextWindow:
    """The part of a text that is in memory: from the place up to which it is read, to some way beyond."""

    def __init__(self, blocks: Iterator[str]) -> None:
        """Take the blocks of the text, none of which is empty."""
        self._blocks = blocks
        self._text = ""
        self._place = 0
        self._is_whole = False

    def ahead(self, length: int) -> str:
        """Return at least the next `length` characters, or all if fewer are left."""
        self._fill(length)
        return self._text[self._place :]

    def skip_space(self) -> str:
        """Go to the next character that is no white space, and return it; empty at the end."""
        while True:
            self._place = self._end_of_space()
            if self._place < len(self._text):
                return self._text[self._place]
            if self._is_whole:
                return ""
            self._fill(1)

    def skip(self) -> None:
        """Go on by one character."""
        self._place += 1

    def value(self) -> Row:
        """Return the text of the value that begins here and the value, and go on after it.

        Raises _BadValueError.
        """
        self._fill(ROW_CHARACTERS_MAX + 1)
        try:
            value, end = decode_from(self._text, self._place)
        except NotJson as error:
            raise self._fault(str(error)) from None
        if end - self._place > ROW_CHARACTERS_MAX:
            raise _BadValueError(_Fault.TOO_LONG)
        text = self._text[self._place : end]
        self._place = end
        return text, value

    def _fill(self, length: int) -> None:
        if self._is_whole or len(self._text) - self._place >= length:
            return
        parts = [self._text[self._place :]]
        missing = length - len(parts[0])
        while missing > 0 and not self._is_whole:
            block = next(self._blocks, "")
            self._is_whole = not block
            parts.append(block)
            missing -= len(block)
        self._text, self._place = "".join(parts), 0

    def _end_of_space(self) -> int:
        found = _SPACE.match(self._text, self._place)
        return found.end() if found else self._place

    def _fault(self, reason: str) -> _BadValueError:
        """Return what is wrong with the value that begins here, which is found by its brackets."""
        depth = 0
        for match in _MARK.finditer(self._text, self._place, self._place + ROW_CHARACTERS_MAX + 1):
            mark = match.group()[0]
            if mark in "[{":
                depth += 1
                if depth > MAX_DEPTH:
                    return _BadValueError(_Fault.TOO_DEEP)
            elif mark in "]}":
                depth -= 1
            if depth <= 0 and mark in "]},":
                end = match.start() if depth < 0 or mark == "," else match.end()
                if end == self._place:
                    return _BadValueError(_Fault.NOT_JSON, "it is empty. Look for a comma too many.")
                try:
                    decode_text(self._text[self._place : end])
                except NotJson as error:
                    reason = str(error)
                return _BadValueError(_Fault.NOT_JSON, reason)
        is_long = len(self._text) - self._place > ROW_CHARACTERS_MAX
        return _BadValueError(_Fault.TOO_LONG if is_long else _Fault.CUT_OFF)


def is_lines(beginning: str) -> bool:
    """Return whether a text that begins so is newline-delimited JSON: its first line is a whole value."""
    first, _, rest = beginning.partition("\n")
    if not rest:
        return False
    try:
        decode_text(first[:ROW_CHARACTERS_MAX])
    except NotJson:
        return False
    return True


def rows_of_array(window: TextWindow, rows_max: int) -> Iterator[Row]:
    """Yield the rows of a text that is an array, or an object with exactly one array in it.

    A record of our own API is an object with an array, its events; so an object that names a project is
    itself the row. Raises UnreadableFile and TooManyRows.
    """
    begins = window.skip_space()
    if not begins:
        raise UnreadableFile("This file is empty.")
    count = 0
    for row in _array(window, rows_max) if begins == "[" else _object(window, rows_max):
        count += 1
        yield row
    if window.skip_space():
        what = "array" if begins == "[" else "object"
        raise UnreadableFile(f"There is something after the end of the {what}.")
    if not count:
        raise UnreadableFile(_NO_ROWS)


def _array(window: TextWindow, rows_max: int) -> Iterator[Row]:
    window.skip()
    number = 0
    mark = window.skip_space()
    while mark != "]" or number:
        number += 1
        if number > rows_max:
            raise TooManyRows(rows_max)
        try:
            row = window.value()
        except _BadValueError as bad:
            raise UnreadableFile(_row_fault(number, bad)) from None
        yield row
        mark = window.skip_space()
        if mark == "]":
            break
        if not mark:
            raise UnreadableFile(_row_fault(number + 1, _BadValueError(_Fault.CUT_OFF)))
        if mark != ",":
            raise UnreadableFile(f"Row {number:,}: there is no comma after it.")
        window.skip()
        window.skip_space()
    window.skip()


def _row_fault(number: int, bad: _BadValueError) -> str:
    match bad.fault:
        case _Fault.TOO_LONG:
            return f"Row {number:,} is longer than {ROW_CHARACTERS_MAX:,} characters."
        case _Fault.TOO_DEEP:
            return f"Row {number:,}: nested deeper than {MAX_DEPTH} levels."
        case _Fault.CUT_OFF:
            return f"The file is cut off in row {number:,}."
        case _Fault.NOT_JSON:
            return f"Row {number:,}: {bad}"


def _object(window: TextWindow, rows_max: int) -> Iterator[Row]:
    text = window.ahead(ROW_CHARACTERS_MAX + 1)
    is_short = len(text) <= ROW_CHARACTERS_MAX
    members = _Members(window, rows_max)
    if not is_short:
        yield from members.rows()
        if members.is_credit:
            raise UnreadableFile(_row_fault(1, _BadValueError(_Fault.TOO_LONG)))
    else:
        rows = list(members.rows())
        if members.is_credit:
            rows = [_whole(text[: len(text) - len(window.ahead(0))])]
        yield from rows
    if not members.is_credit and members.arrays != 1:
        raise UnreadableFile(
            f"An object must have exactly one array of credits in it; this has {members.arrays}."
        )


def _whole(text: str) -> Row:
    """Return an object as the only row."""
    try:
        return text, decode_text(text)
    except NotJson as error:
        raise UnreadableFile(_row_fault(1, _BadValueError(_Fault.NOT_JSON, str(error)))) from None


class _Members:
    """The members of an object, of which arrays are read row by row."""

    def __init__(self, window: TextWindow, rows_max: int) -> None:
        self._window = window
        self._rows_max = rows_max
        self._names: set[str] = set()
        self.arrays = 0

    @property
    def is_credit(self) -> bool:
        return "project_name" in self._names

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all arrays."""
        window = self._window
        window.skip()
        mark = window.skip_space()
        while mark != "}" or self._names:
            self._add_name()
            if window.skip_space() == "[":
                self.arrays += 1
                yield from _array(window, self._rows_max)
            else:
                self._value()
            mark = window.skip_space()
            if mark == "}":
                break
            if mark != ",":
                raise UnreadableFile(_outside("there is no comma after a member."))
            window.skip()
            window.skip_space()
        window.skip()

    def _add_name(self) -> None:
        name = self._value()
        if not isinstance(name, str) or self._window.skip_space() != ":":
            raise UnreadableFile(_outside("a member has no name."))
        self._window.skip()
        if name in self._names:
            raise UnreadableFile(_outside(f"the name {name[:80]!r} occurs twice."))
        self._names.add(name)
        if len(self._names) > _MEMBERS_MAX:
            raise UnreadableFile(_NO_ARRAY)

    def _value(self) -> object:
        try:
            return self._window.value()[1]
        except _BadValueError as bad:
            if bad.fault in {_Fault.TOO_LONG, _Fault.TOO_DEEP}:
                raise UnreadableFile(_NO_ARRAY) from None
            reason = str(bad) if bad.fault is _Fault.NOT_JSON else "it is cut off."
            raise UnreadableFile(_outside(reason)) from None


def _outside(reason: str) -> str:
    return f"Outside the array of rows: {reason}"
