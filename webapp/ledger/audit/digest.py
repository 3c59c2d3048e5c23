"""The digest of a history: the SHA-256 over the hex hashes of its events, each with a newline.

The events are in feed order, so the digest of the first n events can be recomputed from a longer
history. docs/operations.md shows how to compute it from an export with a shell.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_EVENTS: Final = re.compile(r"^events: ([0-9]{1,18})$", re.MULTILINE)
_DIGEST: Final = re.compile(r"^digest: ([0-9a-f]{64})$", re.MULTILINE)
_HEX: Final = re.compile(r"\s*(?:digest: *)?([0-9a-f]{64})\s*", re.IGNORECASE)


class NotADigest(ValueError):
    """The text does not contain exactly one printed digest."""


@dataclass(frozen=True)
class Digest:
    """The number of events of a history, and the hex digest over them. `str()` is the printed form."""

    events: int
    sha256: str

    def __str__(self) -> str:
        """Return the two lines that are printed, and that `read` parses."""
        return f"events: {self.events}\ndigest: {self.sha256}"

    @classmethod
    def read(cls, text: str) -> "Digest":
        """Return the digest in the saved output of a command. Raises NotADigest."""
        lines = text.replace("\r\n", "\n")
        events, digests = _EVENTS.findall(lines), _DIGEST.findall(lines)
        if len(events) != 1 or len(digests) != 1:
            raise NotADigest(
                "This is not a saved digest: it needs one line `events: N` and one line `digest: HEX`."
            )
        return cls(int(events[0]), digests[0])


def read_hex(text: str) -> str | None:
    """Return the hexadecimal digits of a text that has nothing else, None if it has."""
    found = _HEX.fullmatch(text)
    return found[1].lower() if found else None


class RunningDigest:
    """Computes the digest of a feed event by event, and compares it with an earlier digest.

    `count` is the number of events so far.
    """

    def __init__(self, expected: Digest | None = None) -> None:
        """Start empty. `expected` is the digest that a prefix of the feed must have."""
        self._hasher = sha256()
        self.count = 0
        self._expected = expected
        self._then = self.now()

    def add(self, event_hash: str) -> None:
        """Add the hash of the next event."""
        self._hasher.update(f"{event_hash}\n".encode())
        self.count += 1
        if self._expected and self.count == self._expected.events:
            self._then = self.now()

    def now(self) -> Digest:
        """Return the digest of the events so far."""
        return Digest(self.count, self._hasher.hexdigest())

    def mismatch(self) -> str | None:
        """Return why no prefix has the expected digest; None if one has, or none is expected."""
        if self._expected is None or self._then == self._expected:
            return None
        if self.count < self._expected.events:
            return (
                f"there are {self.count} events, but there were {self._expected.events} when the digest "
                "was saved: the last ones are missing"
            )
        return (
            f"the first {self._expected.events} events have another digest than the saved one, "
            f"{self._then.sha256}: an event was changed, moved or replaced"
        )
