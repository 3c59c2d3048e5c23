"""Conditions of a search in SQL: as a test of a credit, and as sources in which an index finds credits.

Sources find together every credit that meets a condition, and others too: whatever comes out of one is
tested by the whole condition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.ledger.search.conditions import PART_MIN, AllOf, AnyOf, Condition, IdStart, Numbers, Text
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.index_merge import Sql, parameters_of
from webapp.ledger.storage.columns import SERIAL_TEXT_SQL, as_search_text
from webapp.ledger.storage.statements import as_json, fetch

# A number with more holders than these is not looked up: they are met soon enough along the list.
FEW_HOLDERS: Final = 1000
# So many of the numbers in a search are looked up, until one is found that has few holders.
_LOOKED_UP: Final = 3
_TRIGRAM: Final = 3
_ID_DIGITS: Final = 64
# The number of binary digits that the length of a block can have at most.
_SIZE_CLASSES: Final = 61


@dataclass(frozen=True)
class Source:
    """Candidates as a SELECT of credit_states can read them: its tables and its condition.

    `age` is what stands for their created_position in the order in which they are found without sorting,
    and `beyond` the condition that they come before or after (`{}`) a position. `positions` is a SELECT
    of their created_positions that reads less than all of that.
    """

    tables: Sql
    where: Sql
    age: str = "credit_states.created_position"
    beyond: str = "credit_states.created_position {} ?"
    positions: Sql | None = None

    @property
    def all_positions(self) -> Sql:
        """The SELECT of the created_positions of all candidates."""
        if self.positions:
            return self.positions
        text = f"SELECT credit_states.created_position FROM {self.tables.text} WHERE {self.where.text}"
        return Sql(text, (*self.tables.parameters, *self.where.parameters))


def test_of(condition: Condition, dialect: str) -> Sql:
    """Return the condition as an expression over the columns of credit_states."""
    match condition:
        case Text():
            return _text_test(condition, dialect)
        case Numbers():
            has = _has_numbers(condition)
            own = "SELECT 1 FROM serial_blocks WHERE serial_blocks.credit = credit_states.credit"
            return _exists(f"{own} AND {has.text}", has.parameters)
        case IdStart():
            own = "SELECT 1 FROM credits WHERE credits.key = credit_states.credit"
            return _exists(f"{own} AND {_ID_BETWEEN}", _id_range(condition))
        case AllOf() | AnyOf():
            parts = [test_of(part, dialect) for part in condition.parts]
            word = " AND " if isinstance(condition, AllOf) else " OR "
            return Sql(f"({word.join(part.text for part in parts)})", parameters_of(parts))


def sources_of(
    connection: Connection, wanted: CreditFilter, condition: Condition, *, by_age: bool
) -> "Found":
    """Return the sources of a list's condition. `by_age`: the first of them by age will be read."""
    return _Finder(connection, wanted.registry_key, by_age).find(condition, ())


def _exists(select: str, parameters: tuple[object, ...]) -> Sql:
    """Return the test that a SELECT has a row; for EXISTS, PostgreSQL may read all rows of its table."""
    return Sql(f"({select} LIMIT 1) IS NOT NULL", parameters)


def source_of_positions(positions: Iterable[int]) -> Source:
    """Return the source of credits that were recorded at these positions of the feed. SQLite only."""
    return Source(
        Sql("json_each(?) AS listed CROSS JOIN credit_states", (as_json(list(positions)),)),
        Sql("credit_states.created_position = listed.value"),
    )


class Found(NamedTuple):
    """Sources; `is_narrow` says that an index finds their candidates, and not a walk along many blocks."""

    sources: list[Source]
    is_narrow: bool = True


@dataclass(frozen=True)
class _Finder:
    connection: Connection
    registry_key: str
    by_age: bool

    @property
    def _is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def find(self, condition: Condition, beside: tuple[Text, ...]) -> Found:
        """Return the sources of a condition, for credits whose texts hold what stands `beside` it too."""
        match condition:
            case Text():
                return Found([self._texts((*beside, condition))])
            case IdStart():
                ids = Sql(f"credits.key = credit_states.credit AND {_ID_BETWEEN}", _id_range(condition))
                return Found([Source(Sql("credits CROSS JOIN credit_states"), ids)])
            case Numbers():
                return self._numbers(condition)
            case AnyOf():
                found = [self.find(part, beside) for part in condition.parts]
                sources = [source for each in found for source in each.sources]
                beside_alone = self._texts(beside) if beside else None
                if beside_alone in sources:  # it finds what the others find, too
                    return Found([source for source in sources if source == beside_alone][:1])
                return Found(sources, all(each.is_narrow for each in found))
            case AllOf():
                return self._all_of(condition, beside)

    def _all_of(self, condition: AllOf, beside: tuple[Text, ...]) -> Found:
        """Return the sources of one of the parts: they find all that meet the others as well."""
        texts = (*beside, *(part for part in condition.parts if isinstance(part, Text)))
        others = [part for part in condition.parts if not isinstance(part, Text)]
        wide: Found | None = None
        for other in others[:_LOOKED_UP]:
            found = self.find(other, texts)
            if found.is_narrow:
                return found
            wide = wide or found
        return Found([self._texts(texts)]) if texts or not wide else wide

    def _texts(self, texts: Sequence[Text]) -> Source:
        patterns = list(dict.fromkeys(text.pattern for text in texts))
        if not self._is_sqlite:
            # A fence (OFFSET 0): the planner would rather walk along the list, which was tried before.
            likes = " AND ".join("search_text LIKE ?" for _ in patterns)
            fenced = f"(SELECT * FROM credit_states WHERE {likes} OFFSET 0) AS credit_states"
            return Source(Sql(fenced, tuple(map(_like, patterns))), Sql("TRUE"))
        if self.registry_key:
            patterns.append(f" {as_search_text(self.registry_key)} ")
        trigrams = dict.fromkeys(trigram for pattern in patterns for trigram in _trigrams(pattern))
        match = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
        return Source(
            Sql("credit_search CROSS JOIN credit_states"),
            Sql("credit_search MATCH ? AND credit_states.created_position = credit_search.rowid", (match,)),
            age="credit_search.rowid",
            beyond="credit_search.rowid {} ?",
            positions=Sql("SELECT rowid FROM credit_search WHERE credit_search MATCH ?", (match,)),
        )

    def _numbers(self, numbers: Numbers) -> Found:
        words = _words_of_series(numbers)
        if numbers.is_given_up and words:  # no index has the series of blocks that were given up
            return Found([self._texts(words)])
        has = _has_numbers(numbers)
        holders = Sql(f"SELECT credit FROM serial_blocks WHERE {has.text}", has.parameters)
        if numbers.series is None or numbers.is_given_up:
            holders = _by_size(numbers)
        some = f"SELECT credit FROM ({holders.text}) AS holder LIMIT ?"
        keys = [key for (key,) in fetch(self.connection, some, *holders.parameters, FEW_HOLDERS + 1)]
        if len(keys) <= FEW_HOLDERS:
            return Found([self._keys(keys)])
        joined = "credit_states.credit = {}.credit"
        if not self.by_age:
            tables = Sql(f"({holders.text}) AS holder CROSS JOIN credit_states", holders.parameters)
            return Found([Source(tables, Sql(joined.format("holder")))], is_narrow=False)
        by_age = Source(
            Sql("serial_blocks CROSS JOIN credit_states"),
            Sql(f"{joined.format('serial_blocks')} AND {has.text}", has.parameters),
            # Keys are given in the order in which credits are recorded, as positions are.
            age="serial_blocks.credit",
            beyond="serial_blocks.credit {0} (SELECT credit FROM credit_states WHERE created_position = ?)",
        )
        return Found([by_age], is_narrow=False)

    def _keys(self, keys: Sequence[int]) -> Source:
        listed = (as_json(keys),)
        if self._is_sqlite:
            tables = Sql("json_each(?) AS holder CROSS JOIN credit_states", listed)
            return Source(tables, Sql("credit_states.credit = holder.value"))
        values = "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value"
        fenced = (
            f"(SELECT * FROM credit_states WHERE credit = ANY (ARRAY({values})) OFFSET 0) AS credit_states"
        )
        return Source(Sql(fenced, listed), Sql("TRUE"))


_ID_BETWEEN: Final = "credits.id BETWEEN ? AND ?"


def _id_range(start: IdStart) -> tuple[bytes, bytes]:
    """Return the lowest and the highest id that begins so."""
    low, high = (bytes.fromhex(start.digits.ljust(_ID_DIGITS, digit)) for digit in "0f")
    return low, high


def _has_numbers(numbers: Numbers) -> Sql:
    """Return what is true of a row of serial_blocks that has any of the numbers."""
    text, parameters = "serial_blocks.first <= ? AND serial_blocks.last >= ?", (numbers.last, numbers.first)
    if not numbers.is_given_up:
        text += " AND serial_blocks.is_held = 1"
    if numbers.series is None:
        return Sql(text, parameters)
    return Sql(f"serial_blocks.series = ? AND {text}", (numbers.series, *parameters))


def _words_of_series(numbers: Numbers) -> list[Text]:
    """Return the longer words of a series: they stand in every serial number that has numbers of it."""
    words = [as_search_text(word) for word in (numbers.series or "").split("-")]
    return [Text(word) for word in words if len(word.strip()) >= PART_MIN]


def _by_size(numbers: Numbers) -> Sql:
    """Return the holders as an index has them by the size of their blocks.

    What has a number begins no further before it than its size allows. So in each class of sizes the
    index reads few others than those that have it.
    """
    has = _has_numbers(numbers)
    terms, parameters = [], []
    for size_class in range(_SIZE_CLASSES):
        lowest = numbers.first - (1 << size_class) + 1
        terms.append(
            f"SELECT credit FROM serial_blocks WHERE size_class = {size_class} AND first >= ? AND {has.text}"
        )
        parameters += [lowest, *has.parameters]
    return Sql(" UNION ALL ".join(terms), tuple(parameters))


def _text_test(text: Text, dialect: str) -> Sql:
    pattern, whole = text.pattern, SERIAL_TEXT_SQL if text.in_serial else "credit_states.search_text"
    # What has no space stands within one word of one text, so that nothing need be made a space first.
    is_in_one_word = " " not in pattern
    if dialect == "postgresql":
        return Sql(
            f"({'serial_key' if text.in_serial and is_in_one_word else whole} LIKE ?)", (_like(pattern),)
        )
    # SQLite makes the whole text anew for each row, so where it stands as it is written is asked first.
    columns = ["serial_key"] if text.in_serial else ["serial_key", "project_key", "registry_key"]
    asked = [(f"credit_states.{column}", pattern) for column in columns]
    if not is_in_one_word:
        asked = [("credit_states.serial_key", pattern.replace(" ", "-")), *asked, (whole, pattern)]
    anywhere = " OR ".join(f"instr({each}, ?) > 0" for each, _ in asked)
    return Sql(f"({anywhere})", tuple(value for _, value in asked))


def _trigrams(pattern: str) -> list[str]:
    """Return trigrams that cover the pattern: what has them all is tested for the whole anyway."""
    last = len(pattern) - _TRIGRAM
    return [pattern[start : start + _TRIGRAM] for start in (*range(0, last, _TRIGRAM), last)]


def _like(pattern: str) -> str:
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return f"%{pattern}%"
