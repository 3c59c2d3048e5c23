"""The filters of the list of credits, as parameters of its address and as chips that remove one each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, NamedTuple

from werkzeug.datastructures import MultiDict

from webapp.domain.credit import FIELDS
from webapp.domain.errors import Problem
from webapp.domain.event import is_number
from webapp.domain.facts import CREDIT_FACTS
from webapp.domain.fields import Field, FieldError, PastDateField, QuantityField, TextField, quantity_text
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.search.credit_filter import ALL, FACT_NAMES, STATUS_WORDS, CreditFilter
from webapp.web import labels
from webapp.web.formats import day_text
from webapp.web.typed_quantity import plain_quantity

IMPORT: Final = "import"
REGISTRY: Final = "registry"
VINTAGE: Final = "vintage"
STATUS: Final = "status"
PARTY: Final = "party"
SEARCH: Final = "q"

_REGISTRY: Final = replace(next(field for field in FIELDS if field.name == REGISTRY), required=False)
_YEAR: Final = replace(next(field for field in FIELDS if field.name == VINTAGE), required=False)
# Facts of the credits, by which lists are filtered.
FACTS: Final[tuple[Field, ...]] = tuple(field for field in CREDIT_FACTS if field.name in FACT_NAMES)
# The ranges, each with the names of its two ends and what a chip calls it.
RANGES: Final[Mapping[str, str]] = {
    VINTAGE: "Vintage",
    "quantity": "Tonnes",
    "happened": "Sold, retired or cancelled on",
    "recorded": "Recorded on",
}
_SINGLE: Final[tuple[Field, ...]] = (
    TextField(SEARCH, "Search"),
    *(replace(_YEAR, name=name) for name in (VINTAGE, "vintage_from", "vintage_to")),
    *FACTS,
    *(QuantityField(name, "Tonnes") for name in ("quantity_from", "quantity_to")),
    *(PastDateField(f"happened_{end}", RANGES["happened"]) for end in ("from", "to")),
    *(PastDateField(f"recorded_{end}", RANGES["recorded"]) for end in ("from", "to")),
)
_NAMED: Final[Mapping[str, Field]] = {REGISTRY: _REGISTRY, PARTY: TextField(PARTY, "Buyer or beneficiary")}
# The parameters of the filter, and those of them that may be given several times.
NAMES: Final = (*(field.name for field in _SINGLE), *_NAMED, STATUS, IMPORT)
REPEATED: Final = (*_NAMED, STATUS)
_BOTH_VINTAGES: Final = "State either the vintage, or the first and the last one."


class Chip(NamedTuple):
    """One filter that is set: its name and value in words, and the parameters without it."""

    label: str
    value: str
    others: Sequence[tuple[str, str]]


def parse(arguments: MultiDict[str, str]) -> tuple[CreditFilter, list[Problem]]:
    """Return the filter of an address without its order, and what is wrong in it, which is left out."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}

    def parsed(field: Field, text: str | None) -> Any:  # noqa: ANN401 - text or number
        try:
            return field.parse(text)
        except FieldError as refusal:
            problems.append(Problem(field.label, str(refusal)))
            return None

    for field in _SINGLE:
        text = arguments.get(field.name)
        found[field.name] = parsed(field, plain_quantity(text) if isinstance(field, QuantityField) else text)
    for name, field in _NAMED.items():
        names = (parsed(field, text) for text in arguments.getlist(name))
        found[name] = tuple(dict.fromkeys(each for each in names if each))
    vintage = found[VINTAGE]
    if vintage is not None and (found["vintage_from"], found["vintage_to"]) != (None, None):
        problems.append(Problem("Vintage", _BOTH_VINTAGES))
    import_text = arguments.get(IMPORT) or ""
    if import_text and not is_number(import_text):
        problems.append(Problem("Import", "Must be the number of an import."))
        import_text = ""
    wanted = CreditFilter(
        q=found[SEARCH] or "",
        registries=found[REGISTRY],
        vintage_from=found["vintage_from"] if vintage is None else vintage,
        vintage_to=found["vintage_to"] if vintage is None else vintage,
        statuses=_statuses(arguments.getlist(STATUS), problems),
        parties=found[PARTY],
        project_id=found["project_id"] or "",
        country=found["country"] or "",
        project_type=found["project_type"] or "",
        quantity_from_e4=found["quantity_from"],
        quantity_to_e4=found["quantity_to"],
        happened_from=found["happened_from"] or "",
        happened_to=found["happened_to"] or "",
        recorded_from=found["recorded_from"] or "",
        recorded_to=found["recorded_to"] or "",
        import_number=int(import_text) if import_text else None,
    )
    return wanted, problems


def _statuses(texts: Iterable[str], problems: list[Problem]) -> tuple[Status, ...]:
    words = [text.strip().upper() for text in texts if text.strip()]
    if any(word not in STATUS_WORDS for word in words):
        problems.append(Problem("Status", f"Must be one of {', '.join(STATUS_WORDS)}."))
    chosen = {status for word in words for status in STATUS_WORDS.get(word, ())}
    return tuple(status for status in Status if status in chosen) or COUNTED


def parameters_of(wanted: CreditFilter) -> list[tuple[str, str]]:
    """Return the names and values of the filter in an address, without those that are not set."""
    years = (wanted.vintage_from, wanted.vintage_to)
    is_one_year = years[0] is not None and years[0] == years[1]
    quantities = (wanted.quantity_from_e4, wanted.quantity_to_e4)
    values: list[tuple[str, object]] = [
        (SEARCH, wanted.q),
        *((REGISTRY, name) for name in wanted.registries),
        *([(VINTAGE, years[0])] if is_one_year else zip(("vintage_from", "vintage_to"), years, strict=True)),
        *((STATUS, word) for word in status_words(wanted)),
        *((PARTY, name) for name in wanted.parties),
        *((name, getattr(wanted, name)) for name in FACT_NAMES),
        *(
            (f"quantity_{end}", None if each is None else quantity_text(each))
            for end, each in zip(("from", "to"), quantities, strict=True)
        ),
        ("happened_from", wanted.happened_from),
        ("happened_to", wanted.happened_to),
        ("recorded_from", wanted.recorded_from),
        ("recorded_to", wanted.recorded_to),
        (IMPORT, wanted.import_number),
    ]
    return [(name, str(value)) for name, value in values if value]


def status_words(wanted: CreditFilter) -> Sequence[str]:
    """Return the words for the statuses of the filter; none for the current ones, which are the default."""
    if wanted.statuses == COUNTED:
        return ()
    return [ALL] if set(wanted.statuses) == set(Status) else [str(status) for status in wanted.statuses]


def chips_of(wanted: CreditFilter) -> list[Chip]:
    """Return a chip for each filter that is set; both ends of a range are one."""
    parameters = parameters_of(wanted)
    chips = []
    for key, group in groupby(enumerate(parameters), key=lambda each: _chip_key(each[0], each[1][0])):
        numbers, set_here = zip(*group, strict=True)
        others = [each for number, each in enumerate(parameters) if number not in numbers]
        name = key[0]
        value = _range_text(name, dict(set_here)) if name in RANGES else _value_text(*set_here[0])
        chips.append(Chip(_LABELS[name], value, others))
    return chips


def _chip_key(number: int, name: str) -> tuple[str, int]:
    base = name.rpartition("_")[0] if name.endswith(("_from", "_to")) else name
    return (base, -1) if base in RANGES else (name, number)


_LABELS: Final[Mapping[str, str]] = {
    **{field.name: field.label for field in (*_SINGLE, *_NAMED.values())},
    **RANGES,
    STATUS: "Status",
    IMPORT: "Import",
}


def _value_text(name: str, value: str) -> str:
    if name == STATUS:
        return labels.STATUS_CHOICES[value]
    return labels.registry_label(value) if name == REGISTRY else value


def _range_text(name: str, ends: Mapping[str, str]) -> str:
    """Return a range in words: "2019 to 2021", "from 1 Jan 2025"."""
    if name in ends:
        return ends[name]

    def shown(end: str) -> str:
        text = ends.get(f"{name}_{end}", "")
        return day_text(text) if text and name in {"happened", "recorded"} else text

    first, last = shown("from"), shown("to")
    if first == last:
        return first
    return f"{first} to {last}" if first and last else f"from {first}" if first else f"until {last}"
