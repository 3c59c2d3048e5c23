"""Which lines of a report a retirement counts in: by activity, standard, region, project and more."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from webapp.domain.countries import is_in_eu
from webapp.domain.registry_names import display_name
from webapp.domain.text import canonical
from webapp.ledger.retirements import KnownNames, Retirement

NOT_STATED: Final = "Not stated"
# The line of all that counts, and those of what does not: without a date, and for nobody named.
ALL: Final = "all"
UNDATED: Final = "undated"
UNNAMED: Final = "unnamed"

# The dimensions of lines, as they begin the names of lines in addresses.
ACTIVITY: Final = "activity"
REMOVAL: Final = "removal"
STANDARD: Final = "standard"
EU: Final = "eu"
ADJUSTMENT: Final = "adjustment"
BENEFICIARY: Final = "beneficiary"
REGISTRY: Final = "registry"
PROJECT: Final = "project"
VINTAGE: Final = "vintage"
MONTH: Final = "month"
CLAIMED: Final = "claimed"
LABELS: Final = {
    ACTIVITY: "Activity",
    REMOVAL: "Kind of removal",
    STANDARD: "Standard",
    EU: "Region",
    ADJUSTMENT: "Corresponding adjustment",
    BENEFICIARY: "Beneficiary",
    REGISTRY: "Registry",
    PROJECT: "Project",
    VINTAGE: "Project and vintage",
    MONTH: "Month",
    CLAIMED: "Claimed year",
}
# The lines that a report always has, also without tonnes.
ACTIVITIES: Final = {"reduction": "Reduction", "removal": "Removal", "mixed": "Mixed", "": NOT_STATED}
REMOVALS: Final = {
    "biogenic": "Removal, biogenic",
    "technological": "Removal, technological",
    "mixed": "Removal, mixed",
    "": "Removal, kind not stated",
}
REGIONS: Final = {"yes": "In the European Union", "no": "Outside the European Union", "": NOT_STATED}
# What registries write for the words of ESRS.
_SAME_ACTIVITY: Final = {
    "reductions": "reduction",
    "emission reduction": "reduction",
    "emission reductions": "reduction",
    "avoidance": "reduction",
    "avoided": "reduction",
    "avoided emissions": "reduction",
    "removals": "removal",
    "carbon removal": "removal",
    "both": "mixed",
    "reduction and removal": "mixed",
    "reduction/removal": "mixed",
    "mixed (reduction and removal)": "mixed",
}
_SAME_REMOVAL: Final = {"both": "mixed", "biological": "biogenic"}
_UNKNOWN: Final = frozenset({"not stated", "unknown", "n/a", "none", "-", "\u2013"})


class Bucket(NamedTuple):
    """A line: its dimension, its key within it, and its label."""

    dimension: str
    key: str
    label: str

    @property
    def line(self) -> str:
        """The name of the line in addresses."""
        return f"{self.dimension}:{self.key}"


def buckets(retirement: Retirement, names: KnownNames) -> Iterator[Bucket]:
    """Yield the lines in which a retirement counts, at most one of each dimension."""
    facts = retirement.facts
    activity = _fixed(ACTIVITY, facts.get("activity", ""), _SAME_ACTIVITY, ACTIVITIES)
    yield activity
    if activity.key == "removal":
        yield _fixed(REMOVAL, facts.get("removal_kind", ""), _SAME_REMOVAL, REMOVALS)
    yield _stated(STANDARD, facts.get("programme", ""))
    in_eu = is_in_eu(facts.get("country", ""))
    region = "" if in_eu is None else "yes" if in_eu else "no"
    yield Bucket(EU, region, REGIONS[region])
    yield _stated(ADJUSTMENT, facts.get("corresponding_adjustment", ""))
    party = names.party_of(canonical(retirement.beneficiary))
    yield Bucket(BENEFICIARY, party, retirement.beneficiary)
    yield _stated(CLAIMED, retirement.words.get("claimed_year", ""))
    registry = names.registries.key(canonical(retirement.registry))
    yield Bucket(REGISTRY, registry, display_name(retirement.registry))
    project_id = facts.get("project_id", "")
    project = f"{registry}|{canonical(project_id or retirement.project_name)}"
    yield Bucket(PROJECT, project, retirement.project_name)
    yield Bucket(VINTAGE, f"{project}|{retirement.vintage}", retirement.project_name)
    if retirement.occurred_on:
        month = retirement.occurred_on[:7]
        yield Bucket(MONTH, month, month)


def counts_in(line: str, retirement: Retirement, names: KnownNames) -> bool:
    """Return whether a retirement counts in a line, given by its name in addresses."""
    return line in {ALL, UNDATED, UNNAMED} or any(
        bucket.line == line for bucket in buckets(retirement, names)
    )


def _stated(dimension: str, text: str) -> Bucket:
    key = canonical(text)
    return Bucket(dimension, "", NOT_STATED) if key in _UNKNOWN or not key else Bucket(dimension, key, text)


def _fixed(dimension: str, text: str, same: dict[str, str], fixed: dict[str, str]) -> Bucket:
    """Return one of the fixed lines, or a line of its own for what the words do not say."""
    stated = _stated(dimension, text)
    key = same.get(stated.key, stated.key)
    return Bucket(dimension, key, fixed.get(key, f"Stated as “{text}”"))
