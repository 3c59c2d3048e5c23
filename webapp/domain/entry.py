"""Entries: events of the log about other subjects than credits, such as an import, a registry or a party.

An entry has the form of an event of a credit, with `subject` in place of `credit`, and the same rule for
its hash. The entries of one subject are a chain of their own; no lifecycle orders their types.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from webapp.domain.canonical_json import encode
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import VERSION, is_number, text_hash
from webapp.domain.fields import QUANTITY_PATTERN, TextField, parse_fields
from webapp.domain.text import canonical


class EntryType(StrEnum):
    """The types of entry."""

    IMPORTED = "IMPORTED"
    ALIASED = "ALIASED"
    UNALIASED = "UNALIASED"
    JOINED = "JOINED"
    SEPARATED = "SEPARATED"


IMPORT: Final = "import/"
REGISTRY: Final = "registry/"
PARTY: Final = "party/"
# How the subject of each type begins: `import/12`, and `registry/` or `party/` with a canonical name.
SUBJECT_OF: Final = {
    EntryType.IMPORTED: IMPORT,
    EntryType.ALIASED: REGISTRY,
    EntryType.UNALIASED: REGISTRY,
    EntryType.JOINED: PARTY,
    EntryType.SEPARATED: PARTY,
}
_FIGURE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
_FIGURE: Final = re.compile(QUANTITY_PATTERN)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
ALIAS: Final = TextField("alias", "Alias", required=True, example="VCS", max_length=50)
PARTY_NAME: Final = TextField("name", "Name", required=True, example="HILLTOP TOOLS A.G.")
FILENAME: Final = TextField("filename", "File", required=True)


@dataclass(frozen=True)
class Entry:
    """One entry. `prev_hash` is the hash of the subject's entry before it."""

    subject: str
    seq: int
    type: EntryType
    data: Mapping[str, str]
    actor: str
    recorded_at: str
    prev_hash: str

    @cached_property
    def text(self) -> str:
        """The canonical JSON of the entry: the text that is stored and hashed."""
        return encode(
            {
                "actor": self.actor,
                "data": dict(self.data),
                "prev_hash": self.prev_hash,
                "recorded_at": self.recorded_at,
                "seq": self.seq,
                "subject": self.subject,
                "type": str(self.type),
                "v": VERSION,
            }
        )

    @cached_property
    def hash(self) -> str:
        """The hash of the text, by the rule of events."""
        return text_hash(self.text)


class EntryHead(NamedTuple):
    """The last entry of a subject, as far as the next entry depends on it."""

    seq: int
    hash: str
    recorded_at: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryHead":
        """Return the head after this entry."""
        return cls(entry.seq, entry.hash, entry.recorded_at)


class PositionedEntry(NamedTuple):
    """An entry with its feed position and its subject's key, which is negative."""

    position: int
    key: int
    entry: Entry


def parse_entry(subject: str, entry_type: EntryType, values: Mapping[str, object]) -> dict[str, str]:
    """Return the data of an entry as recorded. Raises InvalidFields.

    IMPORTED has `filename`, `sha256`, and figures by their names: counts and tonnes as decimal texts.
    ALIASED and UNALIASED have `alias`, JOINED and SEPARATED have `name`.
    """
    if not _is_subject(subject, SUBJECT_OF[entry_type]):
        raise InvalidFields([Problem("subject", f"{entry_type} is not about {subject[:80]}.")])
    if entry_type is not EntryType.IMPORTED:
        alias = ALIAS if SUBJECT_OF[entry_type] == REGISTRY else PARTY_NAME
        return {name: str(value) for name, value in parse_fields((alias,), values).items()}
    problems = [
        Problem(name, "Must be a number in plain digits as text.")
        for name, value in values.items()
        if name not in {FILENAME.name, "sha256"} and not _is_figure(name, value)
    ]
    if not isinstance(sha256 := values.get("sha256"), str) or not _SHA256.fullmatch(sha256):
        problems.append(Problem("sha256", "Must be 64 hexadecimal digits."))
    named = parse_fields((FILENAME,), {FILENAME.name: values.get(FILENAME.name)})
    if problems:
        raise InvalidFields(problems)
    return {name: str(value) for name, value in {**values, **named}.items()}


def _is_figure(name: str, value: object) -> bool:
    is_named = _FIGURE_NAME.fullmatch(name) is not None
    return is_named and isinstance(value, str) and _FIGURE.fullmatch(value) is not None


def _is_subject(subject: str, prefix: str) -> bool:
    """Return whether the subject has this prefix and, after it, a number or a name in canonical form."""
    name = subject.removeprefix(prefix)
    if not subject.startswith(prefix) or not name:
        return False
    return is_number(name) if prefix == IMPORT else canonical(name) == name
