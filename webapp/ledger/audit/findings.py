"""Findings of `flask verify`: a place and what is wrong there, printed as one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

SHOWN_LENGTH_MAX: Final = 120


@dataclass(frozen=True)
class Finding:
    """An error in the ledger. `place` names a credit, a position, a table or a trigger."""

    place: str
    wrong: str

    def __str__(self) -> str:
        """Return one line, with unprintable characters escaped."""
        return one_line(f"{self.place}: {self.wrong}")


Report = Callable[[Finding], None]
Progress = Callable[[int], None]


def one_line(text: str) -> str:
    """Return the text with unprintable characters, such as terminal controls, escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


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
