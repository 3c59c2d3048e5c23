"""Generates any number of credits like those that registries publish, reproducibly.

They belong to 1,000 projects of six registries, with accents, dashes and double spaces in names, and serial
numbers in the notation of each registry. A credit depends on its number only, and no two overlap.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypedDict


class CreditRow(TypedDict):
    """A credit as `POST /records` and an import file take it; `quantity` in tonnes."""

    project_name: str
    registry: str
    vintage: int
    quantity: int
    serial_number: str


class _Project(NamedTuple):
    number: int
    name: str
    registry: str
    country: str


PROJECTS: Final = 1_000
# Serial numbers reserved for each credit, used or not; more than the largest quantity.
_ROOM: Final = 100_000
PARTIES: Final = 400
_RETIRED: Final = 0.3
_YEARS_UNTIL: Final = 3
_LAST_YEAR: Final = 2025
_QUANTITY_DIGITS: Final = (1.0, 3.9)  # 10 to 79,432 tonnes, a median of 891
_FIRST_VINTAGE: Final = 2008
_VINTAGES: Final = 18
_FIRST_UNIT: Final = 100_000_000
_UNITS_OF_A_PROJECT: Final = 1_000_000
_FIRST_BATCH: Final = 2_000
# A prime, so that PROJECTS consecutive credits belong to each project once.
_STRIDE: Final = 617
_GOLDEN: Final = 0x9E3779B1  # Knuth's multiplicative hash of 32 bits

_PLACES: Final = (
    ("Agua Amarga", "MX"), ("Bale Mountains", "ET"), ("Cauca", "CO"), ("Đồng Nai", "VN"),
    ("Eldoret, Kenya", "KE"), ("Fortaleza Ituxi", "BR"), ("Gujarat", "IN"), ("Hòa Bình", "VN"),
    ("Ituri", "CD"), ("Jõgeva", "EE"), ("Kwamisa", "GH"), ("Lamu, Kenya", "KE"),
    ("Mondulkiri", "KH"), ("N'Zérékoré", "GN"), ("Oneida Herkimer", "US"), ("Pará", "BR"),
    ("Quiché", "GT"), ("Río Pescadero", "PE"), ("Salto Pilão", "BR"), ("Taï", "CI"),
    ("Urundel", "AR"), ("Västerbotten", "SE"), ("West Pokot, Kenya", "KE"), ("Xayaburi", "LA"),
    ("Yucatán", "MX"), ("Zambezi", "ZW"), ("Aliağa", "TR"), ("Blandin", "US"),
    ("Coffeyville", "US"), ("Delagua", "RW"), ("Esmeraldas", "EC"), ("Făgăraș", "RO"),
    ("Göksu", "TR"), ("Huánuco", "PE"), ("Ibadan", "NG"), ("Jiangxi", "CN"),
    ("Kootznoowoo", "US"), ("Limpopo", "ZA"), ("Meta", "CO"), ("Tongxu", "CN"),
)  # fmt: skip
_KINDS: Final = (
    "Mangrove Restoration in {}",
    "{} REDD+ Project",
    "{} Hydropower Plant Project Activity",
    "Reforestación Comercial en {}",
    "TASC Clean Cooking PoA – VPA 2 {}",  # noqa: RUF001 - as published
    "Improved Cookstoves for Households in {}",
    "{} Wind Farm",
    "{} Landfill Gas Collection and Combustion",
    "Anew - {} Forestry Project",
    "Biogas Recovery and Utilization  in {}",
    "{} Solar Power Project by Sao Mai",
    "Efficient and Clean  cooking for Households in {}",
    "Family Forest Carbon Project, {}",
    "{} Mine Methane Incineration",
    "Small-scale solar electrical programme {} – CPA-005",  # noqa: RUF001 - as published
    "Captura de Carbono Ejido {}",
    "{} Grouped Project for Safe Drinking Water",
    "Improved Forest Management of the {} Community",
    "Waste-to-Energy {}",
    "{} Ozone Depleting Substances Destruction",
    "Afforestation of Degraded Lands, {}",
    "{} Peatland Rewetting",
    "Conservação da Floresta de {}",
    "{} Nitric Acid Plant N₂O Abatement",
    "Biochar from Rice Husks in {}",
)
# The share of each registry, as in their published data.
_REGISTRIES: Final = (
    *["verra"] * 15,
    *["gold-standard"] * 7,
    *["climate-action-reserve"] * 7,
    *["american-carbon-registry"] * 6,
    *["cercarbono"] * 4,
    "art-trees",
)


def made_credit(number: int) -> CreditRow:
    """Return the credit with this number, counted from 0."""
    project = _project(number * _STRIDE % PROJECTS)
    turn = number // PROJECTS
    vintage = _FIRST_VINTAGE + (turn * 5 + project.number) % _VINTAGES
    quantity = _quantity(number)
    first = 1 + turn * _ROOM
    return CreditRow(
        project_name=project.name,
        registry=project.registry,
        vintage=vintage,
        quantity=quantity,
        serial_number=_serial_number(project, vintage, first, first + quantity - 1),
    )


def made_credits(first: int, count: int) -> Iterator[CreditRow]:
    """Return an iterator over `count` credits from number `first` on."""
    return (made_credit(number) for number in range(first, first + count))


def made_retirement(number: int) -> dict[str, str]:
    """Return what an import file says of a retirement of the credit with this number, for three in ten.

    Its beneficiary is one of `PARTIES` names, the first of which have the most. For the others it is empty.
    """
    share = (number * _GOLDEN & 0xFFFFFFFF) / 2**32
    if share >= _RETIRED:
        return {}
    year = min(made_credit(number)["vintage"] + 1 + number % _YEARS_UNTIL, _LAST_YEAR)
    # The share is used up by the choice whether it is retired, so the party is chosen by its rest.
    party = int(PARTIES * (share / _RETIRED) ** 3)
    return {
        "status": "Retired",
        "retirement_date": f"{year}-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "beneficiary": f"Party {party:03} AG",
    }


def import_file(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Return an import file of these credits: a JSON array."""
    return json.dumps(list(rows), ensure_ascii=False).encode()


def _project(number: int) -> _Project:
    place, country = _PLACES[number // len(_KINDS)]
    name = _KINDS[number % len(_KINDS)].format(place)
    return _Project(number, name, _REGISTRIES[number % len(_REGISTRIES)], country)


def _quantity(number: int) -> int:
    part = (number * _GOLDEN & 0xFFFFFFFF) / 2**32
    lowest, span = _QUANTITY_DIGITS
    return int(10 ** (lowest + span * part))


def _serial_number(project: _Project, vintage: int, first: int, last: int) -> str:
    """Format the numbers in the notation of the project's registry."""
    code, country = 100 + project.number, project.country
    batch = _FIRST_BATCH + project.number * _VINTAGES + vintage - _FIRST_VINTAGE
    match project.registry:
        case "verra":
            # Verra numbers units across projects, not from 1 in each.
            start = _FIRST_UNIT + project.number * _UNITS_OF_A_PROJECT
            first, last = start + first, start + last
            kind, period = code % 15 + 1, f"0101{vintage}-3112{vintage}"
            return f"{batch}-{first}-{last}-VCS-VCU-{code}-VER-{country}-{kind}-{code}-{period}-{batch % 2}"
        case "gold-standard":
            return f"GS1-1-{country}-GS{code}-16-{vintage}-{batch}-{first}-{last}"
        case "climate-action-reserve":
            return f"CAR-1-{country}-{code}-42-{code}-{country}-{vintage}-{batch}-{first} to {last}"
        case "american-carbon-registry":
            return f"ACR-{country}-{code}-{vintage}-{batch}-{first} to {last}"
        case "cercarbono":
            return f"CDC_{code}_1_1_321_14_{country}_1_1_{vintage}_{first}_{last}"
        case _:
            return f"ART-{country}-{code}-{vintage}-{batch % 100}-{first} to {last}"
