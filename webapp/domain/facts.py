"""Facts beside the identity of a credit: optional, never part of its id, and changed only by amendments.

The facts of a credit are in `data.facts` of the CREATED event of a root; lots have the facts of their
root, overlaid by amendments on the way down. The facts of a retirement or a withdrawal are in
`data.facts` of that event. What is confidential (price, contract, seller) is not recorded in the log.
The rules are in "Facts" and "Amendments" in docs/ledger.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import Field, PastDateField, TextField, parse_fields
from webapp.domain.lifecycle import EventType

FACTS: Final = "facts"
NOT_FACTS: Final = "Must be an object of texts."

# Days are recorded as the registry states them.
CREDIT_FACTS: Final[tuple[Field, ...]] = (
    TextField("programme", "Programme", hint="The standard, such as Verified Carbon Standard."),
    TextField("project_id", "Project ID", hint="As the registry states it.", example="VCS 1340"),
    TextField("country", "Country"),
    TextField("project_type", "Project type"),
    TextField("methodology", "Methodology"),
    TextField("activity", "Activity", hint="reduction, removal or mixed"),
    TextField("removal_kind", "Kind of removal", hint="biogenic or technological"),
    TextField("durability", "Durability"),
    PastDateField("vintage_start", "Vintage start"),
    PastDateField("vintage_end", "Vintage end"),
    PastDateField("monitoring_start", "Monitoring period start"),
    PastDateField("monitoring_end", "Monitoring period end"),
    PastDateField("issued_on", "Issued on"),
    PastDateField("acquired_on", "Acquired on"),
    TextField("developer", "Project developer"),
    TextField("labels", "Labels", max_length=1000, hint="Certifications, separated by semicolons."),
    TextField("corresponding_adjustment", "Corresponding adjustment"),
    TextField("registry_record_id", "Record ID of the registry"),
)
RETIREMENT_FACTS: Final[tuple[Field, ...]] = (
    TextField("beneficiary_id", "ID of the beneficiary"),
    TextField("beneficiary_country", "Country of the beneficiary"),
    TextField("account_holder", "Account holder"),
    TextField("retirement_id", "Retirement ID of the registry"),
    TextField("retirement_url", "Address of the retirement", max_length=1000),
    TextField("purpose", "Purpose"),
    TextField("claimed_year", "Claimed year"),
    # "importer" where the file has no date and the person who imported it gave one.
    TextField("date_source", "Source of the date"),
)
WITHDRAWAL_FACTS: Final[tuple[Field, ...]] = (
    TextField("account_holder", "Account holder"),
    TextField("purpose", "Purpose"),
    TextField("converted_to", "Converted to", hint="The programme that issued other units for these tonnes."),
    TextField("date_source", "Source of the date"),
)
FACTS_OF: Final[dict[EventType, tuple[Field, ...]]] = {
    EventType.CREATED: CREDIT_FACTS,
    EventType.RETIRED: RETIREMENT_FACTS,
    EventType.WITHDRAWN: WITHDRAWAL_FACTS,
}


def parse_facts(fields: Sequence[Field], values: object) -> dict[str, str]:
    """Return the facts as recorded, by name, without absent ones.

    Raises InvalidFields, with field names such as `facts.country`.
    """
    if not isinstance(values, Mapping):
        raise InvalidFields([Problem(FACTS, NOT_FACTS)])
    try:
        parsed = parse_fields(fields, values)
    except InvalidFields as error:
        raise InvalidFields([Problem(f"{FACTS}.{p.field}", p.message) for p in error.problems]) from None
    return {name: str(value) for name, value in parsed.items() if value is not None}


def facts_in(data: Mapping[str, object]) -> dict[str, str]:
    """Return the facts in the data of an event; empty if it has none."""
    facts = data.get(FACTS)
    return {str(name): str(value) for name, value in facts.items()} if isinstance(facts, Mapping) else {}
