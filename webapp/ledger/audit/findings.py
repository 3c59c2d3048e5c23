"""Findings of `flask verify`: a place and what is wrong there, printed as one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SHOWN_LENGTH_MAX: Final = 120


class FindingKind(StrEnum):
    """What a finding is about: the log, what is derived from it, or what protects both."""

    EVENT = "event"
    ORDER = "order"
    DIGEST = "digest"
    CHECKPOINT = "checkpoint"
    SERIAL_NUMBER = "serial number"
    DERIVED = "derived"
    ACTOR = "actor"
    ACCOUNT = "account"
    SCHEMA = "schema"
    FILE = "file"
    LEDGER = "ledger"


# The kinds by the first word of the place. A place of another word is a part of the schema.
_BY_PLACE: Final[Mapping[str, FindingKind]] = {
    "position": FindingKind.ORDER,
    "mark": FindingKind.ORDER,
    "expected": FindingKind.DIGEST,
    "checkpoint": FindingKind.CHECKPOINT,
    "accounts": FindingKind.CHECKPOINT,
    "credit": FindingKind.EVENT,
    "subject": FindingKind.EVENT,
    "account": FindingKind.ACCOUNT,
    "user": FindingKind.ACCOUNT,
    "token": FindingKind.ACCOUNT,
    "session": FindingKind.ACCOUNT,
    "database": FindingKind.FILE,
    "ledger": FindingKind.LEDGER,
    "table": FindingKind.DERIVED,
    "tables": FindingKind.DERIVED,
}
# How the sentence about a credit or a table begins where the finding is of another kind.
_BY_WRONG: Final[Mapping[str, FindingKind]] = {
    "table ": FindingKind.DERIVED,
    "its serial number is held": FindingKind.SERIAL_NUMBER,
    "the number": FindingKind.SERIAL_NUMBER,
    "is missing": FindingKind.SCHEMA,
    "was changed:": FindingKind.SCHEMA,
    "does not belong to": FindingKind.SCHEMA,
}


@dataclass(frozen=True)
class Finding:
    """An error in the ledger. `place` names a credit, a position, a table or a trigger."""

    place: str
    wrong: str

    def __str__(self) -> str:
        """Return one line, with unprintable characters escaped."""
        return one_line(f"{self.place}: {self.wrong}")

    @property
    def kind(self) -> FindingKind:
        """The kind of the finding, by its place and its sentence."""
        by_place = _BY_PLACE.get(self.place.split()[0], FindingKind.SCHEMA)
        if by_place is FindingKind.ORDER and self.wrong.startswith("its actor"):
            return FindingKind.ACTOR
        if by_place not in {FindingKind.EVENT, FindingKind.DERIVED}:
            return by_place
        return next((kind for start, kind in _BY_WRONG.items() if self.wrong.startswith(start)), by_place)


Report = Callable[[Finding], None]
Progress = Callable[[int], None]
Remark = Callable[[str], None]


def one_line(text: str) -> str:
    """Return the text with unprintable characters, such as terminal controls, escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def no_remark(_sentence: str) -> None:
    """Ignore a remark."""


def no_progress(_done: int) -> None:
    """Ignore progress."""


def shown(value: object, start: int = 0) -> str:
    """Return a value as text for a finding. A long one is cut to the part around index `start`."""
    text = "nothing" if value is None else str(value)
    if len(text) <= SHOWN_LENGTH_MAX:
        return text
    start = max(0, start - SHOWN_LENGTH_MAX // 3)
    part = text[start : start + SHOWN_LENGTH_MAX]
    return f"{'…' if start else ''}{part}{'…' if start + SHOWN_LENGTH_MAX < len(text) else ''}"


def differences(found: Mapping[str, object], expected: Mapping[str, object], source: str) -> list[str]:
    """Return a text for each key of `expected` whose value in `found` differs.

    `source` begins the clause about the expected value, such as "the log gives".
    """
    wrong = []
    for name, value in expected.items():
        actual = found.get(name)
        if actual != value:
            pairs = enumerate(zip(str(actual), str(value), strict=False))
            same = next((place for place, (one, other) in pairs if one != other), 0)
            wrong.append(f"{name} is {shown(actual, same)}, but {source} {shown(value, same)}")
    return wrong
