"""The golden credits of docs/ledger.md, "Identity": input values and expected ids."""

from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.credit import Credit, parse_credit

GOLDEN: Final[list[tuple[tuple[str, str, str, str, str | None], str]]] = [
    (
        ("Mangrove Restoration Project", "VCS", "2023", "100", "VCS-0001"),
        "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb",
    ),
    (
        ("  mangrove   restoration PROJECT ", "vcs", "2023", "100.0000", "vcs-0001"),
        "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb",
    ),
    (
        ("Waste-to-Energy Gujarat", "VCS", "2018", "110", "VCS-2220"),
        "c296c4d16ce81e27fa6896b3f3b6d98cf091b72947a5b981516a69ea28396ddb",
    ),
    (
        ("Alt Carbon", "Isometric", "2026", "2765.37", None),
        "00ce9b5ac3a77785627c0eeb9b839fd8b83a472ee228c972949f807304f90ccb",
    ),
    (
        ("Straße \ufb01ne", "GS", "2020", "1", None),
        "a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",
    ),
    (
        ("STRASSE FINE", "GS", "2020", "1", ""),
        "a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",
    ),
    (
        ("Caf\u00e9\u200b\u00ad \u3000Sol\u034far", "GS", "2020", "1", "A\u200d1\ufe0f"),
        "8f4654e856a53365c7b573e9e664776d606ea0dbc5399dc400e7badfe1e0cdcd",
    ),
    (
        ("\u0130stanbul \uff21\u00bd", "GS", "2020", "0.0001", None),
        "3f2870fcfcc89b519ac42ed9c1b177b90906a9d39e05fb100ec58b8f62db2b63",
    ),
    (
        ("A|B", "C", "2020", "1", None),
        "8c71cdb0137719de38918656cbc46d763a5b21642faf3c43427a8ed042036645",
    ),
    (
        ("A", "B|C", "2020", "1", None),
        "da407f9b2a637affb09daf7d8ec71ea9078d620f551430916399dc63d739c702",
    ),
]

MANGROVE: Final = GOLDEN[0][1]

# Lots of the first credit, 100 t: start and quantity in ten-thousandths of a tonne, and the id.
GOLDEN_LOTS: Final = [
    (0, 250_000, "b9f24f65d6e6aac548df464d8913063bb833379accbc8e6566e2de6f7fde0cec"),
    (250_000, 750_000, "35669681b271aecde56027f3aee8de2e5031eb36918a294d1c9fe8d60a231999"),
]
# The first credit with the vintage 2022, recorded as its replacement.
GOLDEN_REPLACEMENT: Final = "b09159572a7244defaa9c2c3b82168e316e28c0fd64496aacd12fa46755f557b"


def credit_from(name: str, registry: str, vintage: str, quantity: str, serial: str | None) -> Credit:
    """Parse a credit whose vintage and quantity came as JSON numbers."""
    return parse_credit(
        {
            "project_name": name,
            "registry": registry,
            "vintage": Number(vintage),
            "quantity": Number(quantity),
            "serial_number": serial,
        }
    )
