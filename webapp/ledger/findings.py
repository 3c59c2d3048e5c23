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
        line = f"{self.place}: {self.wrong}"
        return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


Report = Callable[[Finding], None]
Progress = Callable[[int], None]


def no_progress(_done: int) -> None:
    """Tell nobody."""


def shown(value: object) -> str:
    """Return a value as a finding shows it, cut where it is long."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= SHOWN_LENGTH_MAX else f"{text[:SHOWN_LENGTH_MAX]}…"


def differences(found: Mapping[str, object], expected: Mapping[str, object], source: str) -> list[str]:
    """Say for each key of `expected` whose value differs what is found and what `source` gives."""
    return [
        f"{name} is {shown(found.get(name))}, and {source} {shown(value)}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
