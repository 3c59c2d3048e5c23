"""Which credits a search finds: by words, by a serial number or a part of it, by a number held.

The exact meaning is "Search" in docs/ledger.md. Whatever may be found in two ways is a union of
positions and never an OR: a database that has an index for either side reads a whole table for
the OR of both.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    func,
    literal_column,
    select,
    text,
    type_coerce,
    union,
)
from sqlalchemy.dialects.postgresql import INT8RANGE

from webapp.domain.lifecycle import NOT_COUNTED, Status
from webapp.domain.serial_blocks import DIGITS_MAX, SerialBlock, parse_numbers, single_numbers
from webapp.domain.text import canonical
from webapp.domain.unicode14 import SURROGATE
from webapp.ledger.database import db, reading
from webapp.ledger.tables import credit_states, serial_blocks

Found = Select[tuple[int]]

_TRIGRAM: Final = 3
# Fewer digits are too many things, such as a year, to stand for a number of a block by themselves.
_NUMBER_DIGITS_MIN: Final = 5
_NUMBER: Final = re.compile(rf"0|[1-9][0-9]{{0,{DIGITS_MAX - 1}}}")
# As people write one: with a sign before it, commas between thousands, the end of a sentence.
_WRITTEN: Final = re.compile(r"#?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)[.,;]?")
# A word of nothing else is no word but what stands between two, as in "VCS - 941467200".
_BETWEEN: Final = ".-\u2010\u2012\u2013\u2014\u2015\u2212"
# What stands for what was left out, as in "VCS … 941467200"; in canonical form "…" is three dots.
_LEFT_OUT: Final = re.compile(r"\.{2,}")
_TERMS_MAX: Final = 100
_PRIVATE: Final = "\ue000"
_ID_LENGTH: Final = 64


def key_of(text: str) -> str:
    """Return the canonical form, with what no database can be asked for made something it can.

    No recorded text holds a null byte, half a surrogate pair or the private-use character that
    stands for them here, so a search for them finds nothing.
    """
    askable = (_PRIVATE if c == "\0" or c in SURROGATE else c for c in text)
    return canonical("".join(askable))


def words_of(text: str) -> list[str]:
    """Return the different words of a search, canonical, without dots and dashes between them.

    The first hundred of them: a database has a limit to the conditions of one query.
    """
    words = dict.fromkeys(_LEFT_OUT.sub(" ", key_of(text)).split(" "))
    return [word for word in words if word.strip(_BETWEEN)][:_TERMS_MAX]


def holds_words(words: Sequence[str], status: Status | None) -> list[ColumnElement[bool]]:
    """Say in SQL that a credit's texts hold each of the words, or its block the number that one is.

    A short number is that of a block only beside words that its serial number holds: by itself it
    is a word. `status` is the one that the list is narrowed to.
    """
    names = [word for word in words if _number_of(word) is None]
    conditions, holders = [], _Holders(status)
    for word in words:
        number = _number_of(word)
        if number is None or not (names or len(number) >= _NUMBER_DIGITS_MIN):
            conditions.append(_in_text(word))
            continue
        held = holders.of(int(number), int(number))
        if len(number) < _NUMBER_DIGITS_MIN:
            held = _found(and_(credit_states.c.created_position.in_(held), *map(_in_serial, names)))
        conditions.append(_any_of(*(_found(_in_text(form)) for form in dict.fromkeys((word, number))), held))
    return conditions


def holds_serial(serial: str, status: Status | None) -> list[ColumnElement[bool]]:
    """Say in SQL that a credit has this serial number, holds these numbers of it, or a part of it.

    Each word must be in its serial number, or be a number that its block holds; or the whole is a
    block, or one number of a series, and the credit holds any of that.
    """
    words = words_of(serial)
    if not words:
        return []
    holders = _Holders(status)
    names = [_in_serial(word) for word in words if _number_of(word) is None]
    numbers = [
        _any_of(
            *(_found(_in_serial(form)) for form in dict.fromkeys((word, number))),
            holders.of(int(number), int(number)),
        )
        for word in words
        if (number := _number_of(word)) is not None
    ]
    stated = [holders.of(block.first, block.last, block.series) for block in _blocks(key_of(serial))]
    if not stated:
        return [*names, *numbers]
    return [_any_of(_found(and_(*names, *numbers)), *stated)]


def _number_of(word: str) -> str | None:
    """Return the digits of a word that is a number in one of the ways in which people write one."""
    written = _WRITTEN.fullmatch(word)
    digits = written[1].replace(",", "") if written else ""
    return digits if _NUMBER.fullmatch(digits) else None


def _in_text(word: str) -> ColumnElement[bool]:
    """Say that one of the texts of a credit holds the word."""
    states = credit_states.c
    if db.engine.dialect.name != "sqlite":
        return states.search_key.contains(word, autoescape=True)
    if len(word) < _TRIGRAM:
        return func.instr(states.search_key, word) > 0
    match = '"' + word.replace('"', '""') + '"'
    found = (
        select(literal_column("rowid", Integer))
        .select_from(text("credit_search"))
        .where(literal_column("credit_search").op("MATCH")(match))
    )
    return states.created_position.in_(found)


def _in_serial(word: str) -> ColumnElement[bool]:
    """Say that the serial number holds the word: found by the index of all texts, then looked at.

    The key is the project, the registry, the serial number and the id, with a space between them.
    """
    states = credit_states.c
    before = func.length(states.project_key) + func.length(states.registry_key) + 2
    serial = func.substr(
        states.search_key, before + 1, func.length(states.search_key) - before - 1 - _ID_LENGTH
    )
    place = func.instr if db.engine.dialect.name == "sqlite" else func.strpos
    return and_(_in_text(word), place(serial, word) > 0)


def _found(condition: ColumnElement[bool]) -> Found:
    return select(credit_states.c.created_position).where(condition)


def _any_of(*found: Found) -> ColumnElement[bool]:
    return credit_states.c.created_position.in_(union(*found) if len(found) > 1 else found[0])


class _Holders:
    """Who holds which numbers among the credits of a status, or among all that are counted."""

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def of(self, first: int, last: int, series: str | None = None) -> Found:
        """Find the credits that hold any of these numbers, of this series or of whichever there is."""
        if self._status in NOT_COUNTED:
            return _positions(
                [
                    position
                    for position, block in self._given_up
                    if block.first <= last and block.last >= first and series in {None, block.series}
                ]
            )
        held = select(serial_blocks.c.credit_id).where(_has_any_of(first, last))
        if series is not None:
            held = held.where(serial_blocks.c.series == series)
        return _found(credit_states.c.credit_id.in_(held))

    @cached_property
    def _given_up(self) -> list[tuple[int, SerialBlock]]:
        """The blocks that credits of this status held once, by position.

        There is no index of what was given up, so every credit of the status is read.
        """
        states = credit_states.c
        query = select(states.created_position, states.serial_number).where(
            states.status == self._status, states.serial_number.is_not(None)
        )
        with reading() as connection:
            rows = connection.execute(query).all()
        blocks = ((row.created_position, parse_numbers(row.serial_number)) for row in rows)
        return [(position, block) for position, block in blocks if block]


def _has_any_of(first: int, last: int) -> ColumnElement[bool]:
    """Say that a block has any of these numbers, in the words for which the database has an index."""
    blocks = serial_blocks.c
    if db.engine.dialect.name == "sqlite":
        return and_(blocks.first <= last, blocks.last >= first)
    block, asked = (
        func.int8range(start, end, "[]", type_=INT8RANGE)
        for start, end in ((blocks.first, blocks.last), (cast(first, BigInteger), cast(last, BigInteger)))
    )
    overlap: ColumnElement[bool] = block.overlaps(asked)
    return overlap


def _positions(positions: list[int]) -> Found:
    """Return the positions as rows. One parameter for all: a database has a limit to their number."""
    listed = func.json_each if db.engine.dialect.name == "sqlite" else func.json_array_elements_text
    rows = listed(type_coerce(positions, JSON)).table_valued("value")
    return select(cast(rows.c.value, BigInteger))


def _blocks(serial: str) -> Iterator[SerialBlock]:
    """Yield the block that the canonical text states, and one number of every series it may be of.

    A credit of one tonne, or a number out of a block, is often written as the series with that
    number in the place of its two.
    """
    block = parse_numbers(serial)
    if block:
        yield block
    yield from single_numbers(serial)
