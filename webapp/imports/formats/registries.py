"""The public exports of Verra, Gold Standard, Cercarbono, Isometric and California (ARB)."""

from typing import Final

from webapp.domain.lifecycle import EventType
from webapp.imports.formats.format import (
    BUFFER,
    MONTH_FIRST,
    OCCURRED_ON,
    OTHER_BENEFICIARY,
    SERIAL_FIRST,
    SERIAL_LAST,
    FileMeaning,
    Format,
    Part,
)

VERRA_TRANSACTIONS: Final = Format(
    key="verra-transactions",
    name="Verra transactions",
    meaning=FileMeaning.STATE,
    registry="verra",
    identified_by=("Vintage Start", "Vintage End", "ID", "Name", "Quantity Issued", "Serial Number"),
    columns={
        "Issuance Date": "issued_on",
        "Vintage Start": "vintage_start",
        "Vintage End": "vintage_end",
        "ID": "project_id",
        "Name": "project_name",
        "Country/Area": "country",
        "Project Type": "project_type",
        "Methodology": "methodology",
        "Quantity Issued": "quantity",
        "Serial Number": "serial_number",
        "Additional Certifications": "labels",
        "Retirement/Cancellation Date": OCCURRED_ON,
        "Retirement Beneficiary": "beneficiary",
        "Retirement Reason": "reason",
        "Retirement Details": "note",
        "Sustainable Development Goals": "",
        "Total Vintage Quantity": "",
    },
    has_verra_serials=True,
)

_GOLD_STANDARD: Final = {
    "Vintage": "vintage",
    "Credit Status": "status",
    "Quantity": "quantity",
    "GSID": "project_id",
    "Project Name": "project_name",
    "Project Developer": "developer",
    "Country": "country",
    "Product Type": "",
    "Project Type": "project_type",
    "Methodology": "methodology",
    "Programme of Activities": "",
    "POA GSID": "",
    "Issuance Date": "issued_on",
    "Monitoring Period Start": "monitoring_start",
    "Monitoring Period End": "monitoring_end",
    "Serial Number": "serial_number",
    "Label": "labels",
    "Article Six Authorization": "corresponding_adjustment",
}
GOLD_STANDARD_ISSUANCES: Final = Format(
    key="gold-standard-issuances",
    name="Gold Standard issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="gold-standard",
    identified_by=("GSID", "Quantity", "Vintage", "Product Type", "Serial Number"),
    columns=_GOLD_STANDARD,
)
GOLD_STANDARD_RETIREMENTS: Final = Format(
    key="gold-standard-retirements",
    name="Gold Standard retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="gold-standard",
    identified_by=("GSID", "Quantity", "Vintage", "Product Type", "Serial Number", "Retirement Date"),
    columns={
        **_GOLD_STANDARD,
        "Retirement Date": OCCURRED_ON,
        "Note": "note",
        "Aeroplane Operator Name": OTHER_BENEFICIARY,
        "Use Case": "reason",
        "Using Entity": "beneficiary",
    },
)

CERCARBONO_ISSUANCES: Final = Format(
    key="cercarbono-issuances",
    name="Cercarbono issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="cercarbono",
    identified_by=("serial", "issued_quantity", "issuance_date", "vintage_of_credits"),
    columns={
        "project_name": "project_name",
        "project_id": "project_id",
        "serial": "serial_number",
        "issued_quantity": "quantity",
        "issuance_date": "issued_on",
        "vintage_of_credits": "vintage",
        "year": "",
        "is_buffer": "",
        "industry": "project_type",
    },
    has_cercarbono_serials=True,
)
CERCARBONO_RETIREMENTS: Final = Format(
    key="cercarbono-retirements",
    name="Cercarbono retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="cercarbono",
    identified_by=("serial", "certificate_destination", "date", "quantity", "from", "to"),
    columns={
        "project_name": "project_name",
        "project_id": "project_id",
        "serial": "serial_number",
        "vintage": "vintage",
        "certificate_destination": "reason",
        "end_user": "beneficiary",
        "passive_subject": OTHER_BENEFICIARY,
        "date": OCCURRED_ON,
        "quantity": "quantity",
        "public_consult": "retirement_url",
        "from": SERIAL_FIRST,
        "to": SERIAL_LAST,
        "industry": "project_type",
    },
    has_cercarbono_serials=True,
)

_ISOMETRIC: Final = {
    "project_id": "project_id",
    "project_name": "project_name",
    "project.name": "project_name",
    "credit_batch_size_total.credits": "quantity",
    "credit_batch_size_total.credit_kgs": "",
    "sequestered_on": "vintage",
}
ISOMETRIC_ISSUANCES: Final = Format(
    key="isometric-issuances",
    name="Isometric issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="isometric",
    identified_by=("id", "issued_at", "project_id", "credit_batch_size_total.credits"),
    columns={**_ISOMETRIC, "id": "serial_number", "issued_at": "issued_on"},
    parts={"buffer_pool_credit_batch_size_total.credits": BUFFER},
)
ISOMETRIC_RETIREMENTS: Final = Format(
    key="isometric-retirements",
    name="Isometric retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="isometric",
    identified_by=("retirement_id", "retired_at", "project_id", "credit_batch_size_total.credits"),
    columns={
        **_ISOMETRIC,
        "retirement_id": "serial_number",
        "retired_at": OCCURRED_ON,
        "purposes": "reason",
        "url": "retirement_url",
        "notes": "note",
        "beneficiary.name": "beneficiary",
        "owner.name": "account_holder",
    },
)

ARB_ISSUANCES: Final = Format(
    key="arb-issuances",
    name="ARB issuances (California)",
    meaning=FileMeaning.ISSUANCES,
    registry="arb",
    identified_by=("CARB Project ID", "Vintage", "ARB Offset Credits Issued"),
    columns={
        "CARB Project ID": "project_id",
        "OPR Project ID": "registry_record_id",
        "Offset Project Name": "project_name",
        "Project Type": "project_type",
        "Vintage": "vintage",
        "ARB Offset Credits Issued": "quantity",
        "Issuance Date": "issued_on",
    },
    parts={
        "Forest Buffer Account Contribution": BUFFER,
        "Buffer Pool Retired": BUFFER,
        "Invalidated or Canceled": Part(EventType.WITHDRAWN, "Invalidated or canceled"),
        "Retired for Intentional Reversal": Part(EventType.WITHDRAWN, "Intentional reversal"),
        "Retired Voluntarily": Part(EventType.RETIRED, "Voluntary"),
        **{
            f"Retired {ordinal} Compliance Period (CA)": Part(
                EventType.RETIRED, f"{ordinal} Compliance Period (CA)"
            )
            for ordinal in ("1st", "2nd", "3rd", "4th", "5th")
        },
        "Retired for Compliance in Quebec": Part(EventType.RETIRED, "Compliance in Quebec"),
    },
    date_order=MONTH_FIRST,
)

REGISTRY_FORMATS: Final = (
    VERRA_TRANSACTIONS,
    GOLD_STANDARD_ISSUANCES,
    GOLD_STANDARD_RETIREMENTS,
    CERCARBONO_ISSUANCES,
    CERCARBONO_RETIREMENTS,
    ISOMETRIC_ISSUANCES,
    ISOMETRIC_RETIREMENTS,
    ARB_ISSUANCES,
)
