"""What the checks of `flask verify` find: one line each, naming a place and what is wrong there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

SHOWN_LENGTH_MAX: Final = 120


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `place` names a credit, a position, a table or a guard."""

    place: str
    wrong: str

    def __str__(self) -> str:
        """Say it in one line, whatever characters the ledger was made to hold."""
        return one_line(f"{self.place}: {self.wrong}")


Report = Callable[[Finding], None]
Progress = Callable[[int], None]


def one_line(text: str) -> str:
    """Return the text as one line that no terminal takes for anything else."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def no_progress(_done: int) -> None:
    """Tell nobody."""


def shown(value: object, start: int = 0) -> str:
    """Return a value as a finding shows it: all of it, or a part from about `start` where it is long."""
    text = "nothing" if value is None else str(value)
    if len(text) <= SHOWN_LENGTH_MAX:
        return text
    start = max(0, start - SHOWN_LENGTH_MAX // 3)
    part = text[start : start + SHOWN_LENGTH_MAX]
    return f"{'…' if start else ''}{part}{'…' if start + SHOWN_LENGTH_MAX < len(text) else ''}"


def differences(found: Mapping[str, object], expected: Mapping[str, object], source: str) -> list[str]:
    """Say for each key of `expected` whose value differs what is found and what `source` gives."""
    wrong = []
    for name, value in expected.items():
        actual = found.get(name)
        if actual != value:
            pairs = enumerate(zip(str(actual), str(value), strict=False))
            same = next((place for place, (one, other) in pairs if one != other), 0)
            wrong.append(f"{name} is {shown(actual, same)}, and {source} {shown(value, same)}")
    return wrong
