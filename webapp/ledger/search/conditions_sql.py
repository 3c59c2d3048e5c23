"""SQL for search conditions: a test for each row, and sources that find candidates through an index.

The sources of a condition together find every matching credit, and may find others. So every candidate
is checked with the test of the whole condition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.ledger.search.conditions import (
    PART_MIN,
    AllOf,
    AnyOf,
    Between,
    Condition,
    Fact,
    IdStart,
    Listed,
    Numbers,
    OfImport,
    OneOf,
    Text,
)
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.index_merge import Sql, parameters_of
from webapp.ledger.search.recorded_positions import positions_between
from webapp.ledger.storage.search_text import SERIAL_TEXT_SQL, as_search_text
from webapp.ledger.storage.statements import as_json, fetch

# The most holders of a number for which their keys are looked up first. If there are more, a scan of the
# list meets them soon.
FEW_HOLDERS: Final = 1000
# How many numbers of a search are looked up to find one with few holders.
_LOOKED_UP: Final = 3
_TRIGRAM: Final = 3
_ID_DIGITS: Final = 64
# The number of size classes: bit lengths 0 to 60 of numbers with at most 18 digits.
_SIZE_CLASSES: Final = 61


@dataclass(frozen=True)
class Source:
    """Candidates of a search: the FROM and WHERE parts of a SELECT that includes credit_states.

    `age` is an expression in the order of created_position, by which the rows come without sorting.
    `beyond` is the condition that they come before or after a position (`{}` is `<` or `>`).
    `positions` is a cheaper SELECT of their created_positions, if there is one.
    """

    tables: Sql
    where: Sql
    age: str = "credit_states.created_position"
    beyond: str = "credit_states.created_position {} ?"
    positions: Sql | None = None

    @property
    def all_positions(self) -> Sql:
        """A SELECT of the created_positions of all candidates."""
        if self.positions:
            return self.positions
        text = f"SELECT credit_states.created_position FROM {self.tables.text} WHERE {self.where.text}"
        return Sql(text, (*self.tables.parameters, *self.where.parameters))


def test_of(condition: Condition, dialect: str) -> Sql:
    """Return the condition as a SQL expression over the columns of credit_states."""
    match condition:
        case Text():
            return _text_test(condition, dialect)
        case Numbers() | IdStart() | Fact() | OfImport():
            return _of_other_table(condition)
        case Listed():
            listed = f"credit_states.created_position IN ({_VALUES[dialect]})"
            return Sql(listed, (as_json(condition.positions),))
        case OneOf() | Between():
            return _of_column(condition)
        case AllOf() | AnyOf():
            parts = [test_of(part, dialect) for part in condition.parts]
            word = " AND " if isinstance(condition, AllOf) else " OR "
            return Sql(f"({word.join(part.text for part in parts)})", parameters_of(parts))


def sources_of(
    connection: Connection, wanted: CreditFilter, condition: Condition, *, by_age: bool
) -> "Found":
    """Return the sources of a condition. `by_age` says that the first rows by age will be read."""
    registry_key = wanted.registry_keys[0] if len(wanted.registry_keys) == 1 else ""
    return _Finder(connection, registry_key, wanted.statuses, by_age).find(condition, ())


def _of_other_table(condition: Numbers | IdStart | Fact | OfImport) -> Sql:
    """Return the test that another table has a row of the credit."""
    if isinstance(condition, Numbers):
        has = _has_numbers(condition)
        own = "SELECT 1 FROM serial_blocks WHERE serial_blocks.credit = credit_states.credit"
    elif isinstance(condition, IdStart):
        has = Sql(_ID_BETWEEN, _id_range(condition))
        own = "SELECT 1 FROM credits WHERE credits.key = credit_states.credit"
    else:
        table, has = _listed(condition)
        own = f"{_ONE} FROM {table} WHERE {table}.created_position = credit_states.created_position"
    return _exists(f"{own} AND {has.text}", has.parameters)


def _exists(select: str, parameters: tuple[object, ...]) -> Sql:
    """Return the test that a SELECT has a row. With EXISTS, PostgreSQL may read the whole table."""
    return Sql(f"({select} LIMIT 1) IS NOT NULL", parameters)


def source_of_positions(positions: Iterable[int], dialect: str = "sqlite") -> Source:
    """Return the source of the credits with these created_positions."""
    listed = (as_json(list(positions)),)
    if dialect == "sqlite":
        tables = Sql("json_each(?) AS listed CROSS JOIN credit_states", listed)
        return Source(tables, Sql("credit_states.created_position = listed.value"))
    fenced = (
        "(SELECT * FROM credit_states WHERE created_position = ANY (ARRAY("
        f"{_VALUES[dialect]})) OFFSET 0) AS credit_states"
    )
    return Source(Sql(fenced, listed), Sql("TRUE"))


class Found(NamedTuple):
    """Sources of a condition. `is_narrow` is false if they have many candidates.

    `is_in_order` is false if they have to be sorted by age.
    """

    sources: list[Source]
    is_narrow: bool = True
    is_in_order: bool = True


@dataclass(frozen=True)
class _Finder:
    connection: Connection
    registry_key: str
    statuses: Sequence[str]
    by_age: bool

    @property
    def _is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def find(self, condition: Condition, beside: tuple[Text, ...]) -> Found:
        """Return the sources of a condition for credits that match the texts `beside` it as well."""
        match condition:
            case Text():
                return Found([self._texts((*beside, condition))])
            case Numbers():
                return self._numbers(condition)
            case Fact() | OfImport():
                return self._listed(condition)
            case AnyOf():
                return self._any_of(condition, beside)
            case AllOf():
                return self._all_of(condition, beside)
            case IdStart() | OneOf() | Listed() | Between():
                return self._of_columns(condition)

    def _of_columns(self, condition: IdStart | OneOf | Listed | Between) -> Found:
        if isinstance(condition, Listed):
            return Found([source_of_positions(condition.positions, self.connection.dialect.name)])
        if isinstance(condition, Between):
            return self._between(condition)
        if isinstance(condition, IdStart):
            ids = Sql(f"credits.key = credit_states.credit AND {_ID_BETWEEN}", _id_range(condition))
            return Found([Source(Sql("credits CROSS JOIN credit_states"), ids)])
        if condition.column == "registry_key":
            return Found([Source(Sql("credit_states"), _of_column(condition))], is_narrow=False)
        # A source for each name, in which the credits are in order of their age.
        parts = [_of_column(OneOf(condition.column, (key,))) for key in condition.values]
        return self._counted([self._indexed("INDEXED BY ix_credit_states_party_key", part) for part in parts])

    def _between(self, condition: Between) -> Found:
        between = _of_column(condition)
        if condition.column == "quantity_e4":
            indexed = "INDEXED BY ix_credit_states_status_quantity"
            sources = [
                self._indexed(indexed, Sql(f"credit_states.status = ? AND {between.text}", (status, *rest)))
                for status, rest in ((str(status), between.parameters) for status in self.statuses)
            ]
            return self._counted(sources, is_in_order=False)
        if condition.column == "happened_on":
            source = self._indexed("INDEXED BY ix_credit_states_happened_on", between)
            return self._counted([source], is_in_order=False)
        # Times of recording are in order of the positions.
        ranges = positions_between(self.connection, str(condition.first), str(condition.last))
        wheres = [Sql("credit_states.created_position BETWEEN ? AND ?", positions) for positions in ranges]
        return self._counted([self._indexed("NOT INDEXED", where) for where in wheres])

    def _indexed(self, indexed: str, where: Sql) -> Source:
        """Return the source of a condition that SQLite looks up in this index."""
        if self._is_sqlite:
            return Source(Sql(f"credit_states {indexed}"), where)
        fenced = f"(SELECT * FROM credit_states WHERE {where.text} OFFSET 0) AS credit_states"
        return Source(Sql(fenced, where.parameters), Sql("TRUE"))

    def _counted(self, sources: list[Source], *, is_in_order: bool = True) -> Found:
        """Return the sources, narrow if they have few candidates together."""
        found = 0
        for source in sources:
            some = f"SELECT 1 FROM ({source.all_positions.text} LIMIT ?) AS few"
            limit = FEW_HOLDERS + 1 - found
            found += len(fetch(self.connection, some, *source.all_positions.parameters, limit))
            if found > FEW_HOLDERS:
                return Found(sources, is_narrow=False, is_in_order=is_in_order)
        return Found(sources, is_in_order=is_in_order)

    def _any_of(self, condition: AnyOf, beside: tuple[Text, ...]) -> Found:
        found = [self.find(part, beside) for part in condition.parts]
        sources = [source for each in found for source in each.sources]
        beside_alone = self._texts(beside) if beside else None
        if beside_alone in sources:  # it includes the results of the others
            return Found([source for source in sources if source == beside_alone][:1])
        return Found(sources, all(each.is_narrow for each in found), all(each.is_in_order for each in found))

    def _all_of(self, condition: AllOf, beside: tuple[Text, ...]) -> Found:
        """Return the sources of one part, preferably a narrow one. They include all matches of AllOf."""
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
            # OFFSET 0 is an optimisation fence: the planner would scan the list, which was tried before.
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
        if numbers.is_given_up and words:  # the index on series has held blocks only
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
            # Keys have the same order as positions, that of recording.
            age="serial_blocks.credit",
            beyond="serial_blocks.credit {0} (SELECT credit FROM credit_states WHERE created_position = ?)",
        )
        return Found([by_age], is_narrow=False)

    def _listed(self, condition: Fact | OfImport) -> Found:
        table, has = _listed(condition)
        some = f"{_ONE} FROM {table} WHERE {has.text} LIMIT ?"
        few = len(fetch(self.connection, some, *has.parameters, FEW_HOLDERS + 1)) <= FEW_HOLDERS
        joined = f"{has.text} AND credit_states.created_position = {table}.created_position"
        source = Source(
            Sql(f"{table} CROSS JOIN credit_states"),
            Sql(joined, has.parameters),
            age=f"{table}.created_position",
            beyond=f"{table}.created_position {{}} ?",
            positions=Sql(f"{_POSITION} FROM {table} WHERE {has.text}", has.parameters),
        )
        return Found([source], is_narrow=few)

    def _keys(self, keys: Sequence[int]) -> Source:
        listed = (as_json(keys),)
        if self._is_sqlite:
            tables = Sql("json_each(?) AS holder CROSS JOIN credit_states", listed)
            return Source(tables, Sql("credit_states.credit = holder.value"))
        fenced = (
            "(SELECT * FROM credit_states WHERE credit = ANY (ARRAY("
            f"{_VALUES['postgresql']})) OFFSET 0) AS credit_states"
        )
        return Source(Sql(fenced, listed), Sql("TRUE"))


# The whole numbers of a JSON array.
_VALUES: Final = {
    "sqlite": "SELECT value FROM json_each(?)",
    "postgresql": "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value",
}
_ONE: Final = "SELECT 1"
_POSITION: Final = "SELECT created_position"


def _listed(condition: Fact | OfImport) -> tuple[str, Sql]:
    """Return the table that lists the credits of the condition, and the condition on its rows."""
    if isinstance(condition, OfImport):
        return "import_credits", Sql("import_credits.import_number = ?", (condition.number,))
    return "credit_facts", Sql(f"credit_facts.{condition.name} = ?", (condition.value_key,))


def _of_column(condition: OneOf | Between) -> Sql:
    """Return the condition on a column of credit_states."""
    column = f"credit_states.{condition.column}"
    if isinstance(condition, Between):
        return Sql(f"{column} BETWEEN ? AND ?", (condition.first, condition.last))
    return Sql(f"{column} IN ({', '.join('?' * len(condition.values))})", condition.values)


_ID_BETWEEN: Final = "credits.id BETWEEN ? AND ?"


def _id_range(start: IdStart) -> tuple[bytes, bytes]:
    """Return the lowest and the highest id with this start."""
    low, high = (bytes.fromhex(start.digits.ljust(_ID_DIGITS, digit)) for digit in "0f")
    return low, high


def _has_numbers(numbers: Numbers) -> Sql:
    """Return the condition that a row of serial_blocks has any of the numbers."""
    text, parameters = "serial_blocks.first <= ? AND serial_blocks.last >= ?", (numbers.last, numbers.first)
    if not numbers.is_given_up:
        text += " AND serial_blocks.is_held = 1"
    if numbers.series is None:
        return Sql(text, parameters)
    return Sql(f"serial_blocks.series = ? AND {text}", (numbers.series, *parameters))


def _words_of_series(numbers: Numbers) -> list[Text]:
    """Return the longer words of a series that occur in every serial number of the series.

    A zero in a number may be the letter O there, and a word with "#" is only a part of one.
    """
    words = [word for word in (numbers.series or "").split("-") if "#" not in word]
    words = [as_search_text(word) for word in words if not (word.isdigit() and "0" in word)]
    return [Text(word) for word in words if len(word.strip()) >= PART_MIN]


def _by_size(numbers: Numbers) -> Sql:
    """Return a SELECT of the holders of the numbers, one index scan for each size class.

    A block of a size class that contains a number starts at most its size before it. So the scan of a
    size class reads few blocks that do not contain the number.
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
    if text.serial_pattern is None:
        column, pattern = "credit_states.search_text", text.pattern
    else:
        pattern = text.serial_pattern
        # A pattern without spaces lies within one word, so the column itself can be searched.
        column = SERIAL_TEXT_SQL if " " in pattern else "credit_states.serial_key"
    if dialect == "postgresql":
        return Sql(f"({column} LIKE ?)", (_like(pattern),))
    if column != SERIAL_TEXT_SQL:
        return Sql(f"(instr({column}, ?) > 0)", (pattern,))
    # SQLite would compute the expression for each row, so the column is tested first.
    first = "instr(credit_states.serial_key, ?) > 0"
    return Sql(
        f"({first} OR {first} OR instr({column}, ?) > 0)", (pattern.replace(" ", "-"), pattern, pattern)
    )


def _trigrams(pattern: str) -> list[str]:
    """Return trigrams that cover the pattern. Rows that match them are tested with the whole pattern."""
    last = len(pattern) - _TRIGRAM
    return [pattern[start : start + _TRIGRAM] for start in (*range(0, last, _TRIGRAM), last)]


def _like(pattern: str) -> str:
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return f"%{pattern}%"
