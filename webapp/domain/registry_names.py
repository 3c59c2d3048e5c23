"""The names of registries: which of them are names of one registry, and how well-known ones are displayed.

No name is part of an id.
"""

from collections.abc import Mapping
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.fields import TextField
from webapp.domain.joined_names import REGISTRIES, JoinedNames
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


class RegistryNames(JoinedNames):
    """The names of registries. Serial numbers are held by the main name of a registry."""

    kind = REGISTRIES

    def claim(self, credit: Credit) -> tuple[str, str] | None:
        """Return the registry and serial number that a credit claims; None without a serial number."""
        if credit.serial_number is None:
            return None
        registry_key, serial_key = credit.serial_claim
        return self.key(registry_key), serial_key
