"""Names that a person joined: which names are those of one registry, or of one party.

Entries of the log join a name to another one and separate it again. The names of one registry or party
form a group: one main name, and any number of aliases, which have no aliases themselves. Names are compared
in canonical form.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Final, NamedTuple

from webapp.domain.entry import ALIAS, PARTY, PARTY_NAME, REGISTRY, Entry, EntryType
from webapp.domain.fields import TextField
from webapp.domain.text import canonical


class NameKind(NamedTuple):
    """What the names are of: how the subject of its entries begins, their types, and the alias in them."""

    noun: str
    subject: str
    joins: EntryType
    separates: EntryType
    alias: TextField


REGISTRIES: Final = NameKind("registry", REGISTRY, EntryType.ALIASED, EntryType.UNALIASED, ALIAS)
PARTIES: Final = NameKind("party", PARTY, EntryType.JOINED, EntryType.SEPARATED, PARTY_NAME)
KINDS: Final = (REGISTRIES, PARTIES)


@dataclass(frozen=True)
class JoinedNames:
    """Which names of a kind are aliases: by the canonical alias, the canonical main name."""

    main_of: Mapping[str, str] = field(default_factory=dict)
    kind: ClassVar[NameKind]

    def key(self, name_key: str) -> str:
        """Return the main name, given any name of the group."""
        return self.main_of.get(name_key, name_key)

    def group(self, name_key: str) -> tuple[str, ...]:
        """Return all names of a group, given any of them; the main name comes first."""
        main = self.key(name_key)
        return main, *self._aliases.get(main, ())

    @cached_property
    def _aliases(self) -> Mapping[str, list[str]]:
        """The aliases of each main name that has any, in order."""
        aliases: dict[str, list[str]] = {}
        for alias, main in sorted(self.main_of.items()):
            aliases.setdefault(main, []).append(alias)
        return aliases

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield each alias with its main name."""
        yield from sorted(self.main_of.items())


class PartyNames(JoinedNames):
    """The names of buyers and beneficiaries. The figures of an alias are added to those of its main name."""

    kind = PARTIES


class JoinedName(NamedTuple):
    """The canonical main name of an alias, and the alias as its entry states it."""

    main: str
    text: str


class NameHistory:
    """Follows the entries of a kind in the order of the feed. `joined` has the present aliases."""

    def __init__(self, kind: NameKind, joined: Mapping[str, JoinedName] | None = None) -> None:
        """Start from these aliases, by canonical name; by default from none."""
        self._kind = kind
        self.joined = dict(joined or {})
        self._mains = Counter(name.main for name in self.joined.values())

    def follow(self, entry: Entry) -> bool:
        """Change the names by an entry of the kind. Returns False, without a change, if it cannot follow."""
        main, text = entry.subject.removeprefix(self._kind.subject), entry.data[self._kind.alias.name]
        alias = canonical(text)
        if entry.type is self._kind.separates:
            if alias not in self.joined or self.joined[alias].main != main:
                return False
            del self.joined[alias]
            self._mains[main] -= 1
            return True
        if main in self.joined or alias in self.joined or self._mains[alias] or alias == main:
            return False
        self.joined[alias] = JoinedName(main, text)
        self._mains[main] += 1
        return True

    @property
    def main_of(self) -> dict[str, str]:
        """The main name of each present alias."""
        return {alias: name.main for alias, name in self.joined.items()}
