"""The filters of the list of credits, as its form offers them: facets with their numbers, and ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from webapp.domain.lifecycle import COUNTED, EventType, Status
from webapp.domain.text import canonical
from webapp.ledger import facets, summaries
from webapp.ledger.facets import Choice
from webapp.ledger.search.credit_filter import ALL, CURRENT, STATUS_WORDS
from webapp.web import labels, list_filters
from webapp.web.credit_list import CreditList
from webapp.web.formats import number


class Option(NamedTuple):
    """A value that the form offers: its text, its number of credits in words, and whether it is chosen."""

    value: str
    text: str
    credits: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet with its values. `chosen` says in short which are chosen, empty if none is."""

    name: str
    label: str
    options: Sequence[Option]

    @property
    def chosen(self) -> str:
        """The chosen values in short: "Verra (VCS)", "2 chosen"."""
        texts = [option.text for option in self.options if option.is_chosen]
        return texts[0] if len(texts) == 1 else f"{len(texts)} chosen" if texts else ""


@dataclass(frozen=True)
class FilterBar:
    """The form of the list: facets, vintages, and what is typed in the other fields, by their names."""

    registries: Facet
    statuses: Facet
    parties: Facet
    vintages: Sequence[Option]
    suggested: Sequence[str]
    typed: dict[str, str]

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """The names and labels of the facts by which lists are filtered."""
        return _FACTS

    @property
    def vintages_chosen(self) -> str:
        """The vintages of the filter in short, empty for all."""
        first, last = self.typed["vintage_from"], self.typed["vintage_to"]
        if first == last:
            return first
        return f"{first}–{last}" if first and last else f"from {first}" if first else f"to {last}"  # noqa: RUF001

    @property
    def more(self) -> int:
        """The number of filters that are set among those that few people need."""
        return sum(bool(self.typed[name]) for name in MORE)


_RANGES: Final = (
    "quantity_from",
    "quantity_to",
    "happened_from",
    "happened_to",
    "recorded_from",
    "recorded_to",
)
_FACTS: Final = tuple((field.name, field.label) for field in list_filters.FACTS)
MORE: Final = (*(name for name, _ in _FACTS), *_RANGES, list_filters.IMPORT)


def of(credit_list: CreditList) -> FilterBar:
    """Return the form of a list. Only real values are offered, and those that the filter names."""
    wanted = credit_list.filter
    found = facets.facets_of(wanted)
    typed = dict.fromkeys((list_filters.SEARCH, "vintage_from", "vintage_to", *MORE), "")
    typed |= {name: text for name, text in credit_list.filter_parameters if name in typed}
    years = (wanted.vintage_from, wanted.vintage_to)
    typed |= {f"vintage_{end}": str(year or "") for end, year in zip(("from", "to"), years, strict=True)}
    missing = [Choice(str(year), 0) for year in sorted({year for year in years if year}, reverse=True)]
    known = {choice.value for choice in found.vintages}
    vintages = [*found.vintages, *(choice for choice in missing if choice.value not in known)]
    return FilterBar(
        Facet(
            list_filters.REGISTRY, "Registry", _named(found.registries, wanted.registries, is_registry=True)
        ),
        Facet(list_filters.STATUS, "Status", _statuses(found.statuses, wanted.statuses)),
        Facet(list_filters.PARTY, "Buyer or beneficiary", _named(found.parties, wanted.parties)),
        [
            Option(choice.value, choice.value, _count(choice), is_chosen=False)
            for choice in sorted(vintages, reverse=True)
        ],
        sorted({*summaries.suggest_parties(EventType.SOLD), *summaries.suggest_parties(EventType.RETIRED)}),
        typed,
    )


def _named(choices: Sequence[Choice], chosen: Sequence[str], *, is_registry: bool = False) -> list[Option]:
    """Return choices that are names: of those that are chosen, also what no credit has."""
    keys = {canonical(name) for name in chosen}
    known = {canonical(choice.value) for choice in choices}
    unknown = [Choice(name, 0) for name in chosen if canonical(name) not in known]
    return [
        Option(
            choice.value,
            labels.registry_label(choice.value) if is_registry else choice.value,
            _count(choice),
            canonical(choice.value) in keys,
        )
        for choice in [*choices, *unknown]
    ]


def _statuses(choices: Sequence[Choice], chosen: Sequence[Status]) -> list[Option]:
    """Return the statuses, after the current ones together and before all of them."""
    of_status = {choice.value: choice for choice in choices}
    words = {CURRENT} if chosen == COUNTED else {ALL} if set(chosen) == set(Status) else {*map(str, chosen)}
    options = []
    for word, label in labels.STATUS_CHOICES.items():
        parts = [of_status[status] for status in STATUS_WORDS[word]]
        together = Choice(word, sum(part.credits for part in parts), all(part.is_all for part in parts))
        options.append(Option(word, label, _count(together), word in words and word != CURRENT))
    return options


def _count(choice: Choice) -> str:
    return number(choice.credits) if choice.is_all else f"{number(choice.credits)}+"
