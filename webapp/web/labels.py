"""The words that pages use for statuses, event types and fields of events. Each is stated here once.

They are labels only: event types, API values, CSV columns and addresses keep their own names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.amendment import AMENDABLE, WHY
from webapp.domain.credit import NEW_FIELDS
from webapp.domain.entry import EntryType
from webapp.domain.event import ACT_KEY, IMPORT_KEY, Data
from webapp.domain.facts import FACTS_OF, facts_in
from webapp.domain.fields import Field, PastDateField
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.registry_names import display_name
from webapp.domain.text import canonical
from webapp.ledger.search.credit_filter import ALL, CURRENT
from webapp.ledger.views import EntryView, EventView, happened_on
from webapp.web.formats import ago, day, day_text, tonnes

# A registry's cancellation is WITHDRAWN; a credit recorded in error is void, in an accountant's words too.
STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.ACTIVE: "Active",
    Status.SOLD: "Sold",
    Status.RETIRED: "Retired",
    Status.WITHDRAWN: "Cancelled at the registry",
    Status.SPLIT: "Split",
    Status.CANCELLED: "Void",
}
# What the filter by status offers.
STATUS_CHOICES: Final[Mapping[str, str]] = {
    CURRENT: "Current: active, sold, retired",
    **STATUS_LABELS,
    ALL: "All",
}
EVENT_LABELS: Final[Mapping[str, str]] = {
    EventType.CREATED: "Created",
    EventType.SOLD: "Sold",
    EventType.SALE_REVERSED: "Sale reversed",
    EventType.RETIRED: "Retired",
    EventType.WITHDRAWN: "Cancelled at the registry",
    EventType.SPLIT: "Split",
    EventType.CANCELLED: "Voided",
    EventType.AMENDED: "Amended",
    EntryType.IMPORTED: "Import recorded",
    EntryType.ALIASED: "Registry name joined",
    EntryType.UNALIASED: "Registry name separated",
    EntryType.JOINED: "Party name joined",
    EntryType.SEPARATED: "Party name separated",
}
_DATE_LABELS: Final[Mapping[EventType, str]] = {
    EventType.SOLD: "Trade date",
    EventType.SALE_REVERSED: "Reversal date",
    EventType.RETIRED: "Retirement date",
    EventType.WITHDRAWN: "Cancellation date",
}
_OCCURRED_ON: Final = "occurred_on"
# Markup because of the <time> elements. Only these constants are markup: `format` escapes its arguments.
_HAPPENED: Final = Markup("{}, recorded {}")
_RECORDED: Final = Markup("Recorded {}")
# Data of events that no form asks for. `offset` is shown with `parent` (`lot_start`).
_LOT_LABELS: Final = {"parent": "Part of", "quantities": "Lots"}


def status_label(status: str) -> str:
    """Return the label of a status: "Void" for CANCELLED."""
    return STATUS_LABELS[status]


def event_label(event_type: str) -> str:
    """Return the label of an event type: "Voided" for CANCELLED."""
    return EVENT_LABELS[event_type]


def registry_label(registry: str) -> str:
    """Return the display name of a registry, with its text as recorded if that is another one."""
    name = display_name(registry)
    return registry if canonical(name) == canonical(registry) else f"{name} · {registry}"


def field_label(field: Field, event_type: EventType) -> str:
    """Return the label of a field of an event of this type: "Retirement date" for `occurred_on`."""
    return _DATE_LABELS[event_type] if field.name == _OCCURRED_ON else field.label


def data_labels(event_type: EventType) -> dict[str, str]:
    """Return the labels of the data that an event of this type can have, by name, in their order."""
    fields = NEW_FIELDS if event_type is EventType.CREATED else ACTION_FIELDS.get(event_type, ())
    own = {field.name: field_label(field, event_type) for field in fields}
    return own | _LOT_LABELS | {WHY.name: WHY.label, IMPORT_KEY: "Import", ACT_KEY: "Act"}


def labelled_facts(fields: Sequence[Field], facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the label and text of each fact, in the order of the fields."""
    known = {field.name: field.label for field in fields}
    ordered = [name for name in known if name in facts] + [name for name in facts if name not in known]
    return [(known.get(name, name), word_text(name, facts[name])) for name in ordered]


def lot_start(offset: str) -> str:
    """Return where in its parent a lot begins, from its offset in tonnes: "from tonne 1" for "0"."""
    return f"after {tonnes(offset)}" if "." in offset else f"from tonne {int(offset) + 1:,}"


def event_phrase(event: EventView | EntryView) -> str:
    """Return the event in a few words: "Retired for Acme Airlines"."""
    if isinstance(event, EntryView):
        return _entry_phrase(event)
    label, data = EVENT_LABELS[event.event_type], event.data
    match event.event_type:
        case EventType.CREATED if "parent" in data:
            phrase = f"{label} as a lot"
        case EventType.SOLD if buyer := data.get("buyer"):
            phrase = f"{label} to {buyer}"
        case EventType.RETIRED if beneficiary := data.get("beneficiary"):
            phrase = f"{label} for {beneficiary}"
        case EventType.SPLIT if isinstance(lots := data["quantities"], list):
            phrase = f"{label} into {len(lots)} lots"
        case EventType.AMENDED:
            phrase = f"{label}: {', '.join(_amended_words(data))}"
        case _:
            phrase = label
    return f"{phrase}, carried over from the credit it was split from" if event.is_carried else phrase


def _entry_phrase(entry: EntryView) -> str:
    """Return an entry in a few words: "Import 12 recorded: credits.csv"."""
    name = entry.subject.partition("/")[2]
    match entry.event_type:
        case EntryType.IMPORTED:
            return f"Import {name} recorded: {entry.data['filename']}"
        case EntryType.ALIASED:
            return f"{entry.data['alias']} joined to the registry {name}"
        case EntryType.UNALIASED:
            return f"{entry.data['alias']} separated from the registry {name}"
        case EntryType.JOINED:
            return f"{entry.data['name']} joined to the party {name}"
        case EntryType.SEPARATED:
            return f"{entry.data['name']} separated from the party {name}"


def event_time(event: EventView | EntryView) -> Markup:
    """Return the day on which the event happened, if it states one, and when it was recorded, as markup."""
    day_of_event, recorded = happened_on(event), ago(event.recorded_at)
    if day_of_event is None:
        return _RECORDED.format(recorded)
    return _HAPPENED.format(day(day_of_event), recorded)


def word_text(name: str, value: object) -> str:
    """Return a word or fact of an event as pages write it: "20 Nov 2026" for a date."""
    return day_text(str(value)) if value and name in _DAYS else str(value)


def restated_words(amended: EventType, before: Mapping[str, str]) -> list[tuple[str, str | Markup]]:
    """Return the label within a sentence, and the earlier text, of each word that an amendment restated.

    A date is markup, an absent text empty.
    """
    fields = (*ACTION_FIELDS.get(amended, ()), *FACTS_OF.get(amended, ()))
    known = {field.name: field_label(field, amended) for field in fields}
    return [
        (_within(known.get(name, name)), day(said) if said and name in _DAYS else said)
        for name, said in before.items()
    ]


def _within(label: str) -> str:
    return f"{label[0].lower()}{label[1:]}"


def _amended_words(data: Data) -> Iterator[str]:
    """Yield what an amendment states in a few words: "beneficiary Acme", "no note"."""
    for name, value in (*data.items(), *facts_in(data).items()):
        if name in _AMENDED_LABELS:
            label = _within(_AMENDED_LABELS[name])
            yield f"{label} {word_text(name, value)}" if value else f"no {label}"


# By name, what an amendment can state.
_AMENDED: Final[Mapping[str, Field]] = {
    field.name: field for fields in (*AMENDABLE.values(), *FACTS_OF.values()) for field in fields
}
_AMENDED_LABELS: Final[Mapping[str, str]] = {name: field.label for name, field in _AMENDED.items()}
_DAYS: Final = frozenset(name for name, field in _AMENDED.items() if isinstance(field, PastDateField))

FILTERS: Final[dict[str, Callable[..., str | None]]] = {
    "status_label": status_label,
    "event_label": event_label,
    "registry_label": registry_label,
    "registry_name": display_name,
    "event_phrase": event_phrase,
    "event_time": event_time,
    "happened_on": happened_on,
    "word_text": lambda value, name: word_text(name, value),
    "lot_start": lot_start,
}
