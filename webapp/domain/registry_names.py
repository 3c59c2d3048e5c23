"""The names of registries: which of them are names of one registry, and how well-known ones are displayed.

Entries of the log join a name to a registry and separate it again. A registry has one name by which serial
numbers are held, and any number of aliases; an alias has no aliases itself. No name is part of an id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.entry import REGISTRY, Entry, EntryType
from webapp.domain.fields import TextField
from webapp.domain.text import canonical

REGISTRY_NAME: Final = TextField("registry", "Registry", required=True, example="Verra", max_length=50)
# By canonical name: the texts that recognised formats of imports record, and common spellings.
DISPLAY_NAMES: Final[Mapping[str, str]] = {
    "verra": "Verra (VCS)",
    "vcs": "Verra (VCS)",
    "verified carbon standard": "Verra (VCS)",
    "gold-standard": "Gold Standard",
    "gold standard": "Gold Standard",
    "gs": "Gold Standard",
    "american-carbon-registry": "American Carbon Registry (ACR)",
    "american carbon registry": "American Carbon Registry (ACR)",
    "acr": "American Carbon Registry (ACR)",
    "climate-action-reserve": "Climate Action Reserve (CAR)",
    "climate action reserve": "Climate Action Reserve (CAR)",
    "car": "Climate Action Reserve (CAR)",
    "art-trees": "ART (TREES)",
    "art trees": "ART (TREES)",
    "art": "ART (TREES)",
    "cercarbono": "Cercarbono",
    "isometric": "Isometric",
    "arb": "California Air Resources Board (ARB)",
    "puro": "Puro.earth",
    "puro.earth": "Puro.earth",
    "plan vivo": "Plan Vivo",
    "uk land carbon registry": "UK Land Carbon Registry",
}


def display_name(registry: str) -> str:
    """Return the display name of a registry: that of a well-known one, otherwise its text as recorded."""
    return DISPLAY_NAMES.get(canonical(registry), registry)


@dataclass(frozen=True)
class RegistryNames:
    """Which names are aliases: by the canonical alias, the canonical name of its registry."""

    registry_of: Mapping[str, str] = field(default_factory=dict)

    def key(self, name_key: str) -> str:
        """Return the name by which a registry's serial numbers are held, given any of its names."""
        return self.registry_of.get(name_key, name_key)

    def group(self, name_key: str) -> tuple[str, ...]:
        """Return all names of a registry, given any of them; the one that is no alias comes first."""
        own = self.key(name_key)
        return own, *sorted(alias for alias, registry in self.registry_of.items() if registry == own)

    def claim(self, credit: Credit) -> tuple[str, str] | None:
        """Return the registry and serial number that a credit claims; None without a serial number."""
        if credit.serial_number is None:
            return None
        registry_key, serial_key = credit.serial_claim
        return self.key(registry_key), serial_key

    def after(self, entry: Entry) -> "RegistryNames | None":
        """Return the names after an entry; None if it cannot follow these names."""
        if entry.type is EntryType.IMPORTED:
            return self
        registry_key, alias_key = entry.subject.removeprefix(REGISTRY), canonical(entry.data["alias"])
        names = dict(self.registry_of)
        if entry.type is EntryType.UNALIASED:
            return None if names.pop(alias_key, None) != registry_key else RegistryNames(names)
        taken = {*names, *names.values()}
        if registry_key in names or alias_key in taken or alias_key == registry_key:
            return None
        return RegistryNames({**names, alias_key: registry_key})

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield each alias with the name of its registry."""
        yield from sorted(self.registry_of.items())
