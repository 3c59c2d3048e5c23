"""Facts beside the identity of a credit: optional, never part of its id, and changed only by amendments.

The facts of a credit are in `data.facts` of the CREATED event of a root; lots have the facts of their
root. The facts of a retirement are in `data.facts` of the RETIRED event. What is confidential (price,
contract, seller) is not recorded in the log. Which report asks for which: docs/ledger.md, "Facts".
"""

from typing import Final

from webapp.domain.fields import Field, PastDateField, TextField

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
