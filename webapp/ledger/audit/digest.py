"""One number for a whole history: the digest over the feed.

It is the SHA-256 over the hash of each event in feed order, each followed by a newline; so the
digest of the first n events can be recomputed from any longer history. docs/operations.md says
how to do that to an export with a shell.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_EVENTS: Final = re.compile(r"^events: ([0-9]{1,18})$", re.MULTILINE)
_DIGEST: Final = re.compile(r"^digest: ([0-9a-f]{64})$", re.MULTILINE)


class NotADigest(ValueError):
    """The text does not hold one printed digest; `str()` says so in a sentence."""


@dataclass(frozen=True)
class Digest:
    """The number of events of a history and the digest over them. `str()` is what is printed."""

    events: int
    sha256: str

    def __str__(self) -> str:
        """Return the two lines that are printed, kept elsewhere, and read again."""
        return f"events: {self.events}\ndigest: {self.sha256}"

    @classmethod
    def read(cls, text: str) -> "Digest":
        """Return the digest in text that was printed earlier. Raises NotADigest."""
        lines = text.replace("\r\n", "\n")
        events, digests = _EVENTS.findall(lines), _DIGEST.findall(lines)
        if len(events) != 1 or len(digests) != 1:
            raise NotADigest(
                "This is no earlier output: it needs one line `events: N` and one `digest: HEX`."
            )
        return cls(int(events[0]), digests[0])


class RunningDigest:
    """The digest of a feed that is being read. Remembers what it was where an earlier one ended.

    `count` is the number of events so far.
    """

    def __init__(self, expected: Digest | None = None) -> None:
        """Take the earlier digest that is to be a prefix of the feed."""
        self._hasher = sha256()
        self.count = 0
        self._expected = expected
        self._then = self.now()

    def add(self, event_hash: str) -> None:
        """Take the next event."""
        self._hasher.update(f"{event_hash}\n".encode())
        self.count += 1
        if self._expected and self.count == self._expected.events:
            self._then = self.now()

    def now(self) -> Digest:
        """Return the digest of what has been added."""
        return Digest(self.count, self._hasher.hexdigest())

    def broken_promise(self) -> str | None:
        """Say why the earlier digest is not a prefix of what has been added; None where it is."""
        if self._expected is None or self._then == self._expected:
            return None
        if self.count < self._expected.events:
            return (
                f"there are {self.count} events, and there were {self._expected.events} when the digest "
                "was kept: the last ones were taken away"
            )
        return (
            f"the first {self._expected.events} events give another digest than the one that was kept, "
            f"{self._then.sha256}: one of them was changed, moved or exchanged"
        )
