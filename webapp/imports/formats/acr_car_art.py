"""The public exports of ACR, Climate Action Reserve and ART, whose registries have the same software."""

from typing import Final

from webapp.domain.lifecycle import EventType
from webapp.imports.formats.format import (
    ACTIVE_TONNES,
    BUFFER,
    MONTH_FIRST,
    OCCURRED_ON,
    OTHER_BENEFICIARY,
    FileMeaning,
    Format,
    Part,
)

_ACR: Final = {
    "Vintage": "vintage",
    "Project ID": "project_id",
    "Project Name": "project_name",
    "Project Type": "project_type",
    "Project Methodology/Protocol": "methodology",
    "Methodology/Protocol Version": "",
    "Project Site Country": "country",
    "Project Developer": "developer",
}
_ACR_BLOCKS: Final = {
    **_ACR,
    "Credit Serial Numbers": "serial_number",
    "Quantity of Credits": "quantity",
    "Status Effective (GMT)": OCCURRED_ON,
    "Account Holder": "account_holder",
}
ACR_ISSUANCES: Final = Format(
    key="acr-issuances",
    name="ACR issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="american-carbon-registry",
    identified_by=("Date Issued (GMT)", "Total Credits Issued", "Project ID", "Vintage"),
    columns={
        **_ACR,
        "Date Issued (GMT)": "issued_on",
        "ReportingPeriodBegin": "monitoring_start",
        "ReportingPeriodEnd": "monitoring_end",
        "Total Credits Issued": "quantity",
        "Credits Issued to Project": ACTIVE_TONNES,
    },
    parts={"Credits Issued to Buffer Pool": BUFFER, "Credits Transferred to Buffer Pool": BUFFER},
    date_order=MONTH_FIRST,
)
ACR_RETIREMENTS: Final = Format(
    key="acr-retirements",
    name="ACR retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="american-carbon-registry",
    identified_by=(
        "Credit Serial Numbers",
        "Quantity of Credits",
        "Status Effective (GMT)",
        "Project ID",
        "Retirement Reason",
    ),
    columns={
        **_ACR_BLOCKS,
        "Retired on Behalf of": "beneficiary",
        "Retirement Reason": "reason",
        "Retirement Reason Details": "note",
        "Purpose of Retirement": "purpose",
    },
    date_order=MONTH_FIRST,
)
ACR_CANCELLATIONS: Final = Format(
    key="acr-cancellations",
    name="ACR cancellations",
    meaning=FileMeaning.CANCELLATIONS,
    registry="american-carbon-registry",
    identified_by=(
        "Credit Serial Numbers",
        "Quantity of Credits",
        "Status Effective (GMT)",
        "Project ID",
        "Cancellation Type",
    ),
    columns={**_ACR_BLOCKS, "Cancellation Type": "reason", "Cancellation Details": "note"},
    date_order=MONTH_FIRST,
)

_CAR: Final = {
    "Vintage": "vintage",
    "Project ID": "project_id",
    "Project Name": "project_name",
    "Project Type": "project_type",
    "Reduction/Removal": "activity",
    "Protocol and Version": "methodology",
    "Project Site Country": "country",
    "Project Developer": "developer",
}
_CAR_BLOCKS: Final = {
    **_CAR,
    "Offset Credit Serial Numbers": "serial_number",
    "Quantity of Offset Credits": "quantity",
    "Status Effective": OCCURRED_ON,
    "Account Holder": "account_holder",
}
CAR_ISSUANCES: Final = Format(
    key="car-issuances",
    name="Climate Action Reserve issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="climate-action-reserve",
    identified_by=("Total Offset Credits Issued", "Project ID", "Vintage"),
    columns={**_CAR, "Date Issued": "issued_on", "Total Offset Credits Issued": "quantity"},
    parts={
        "Offset Credits Currently in Reserve Buffer Pool": BUFFER,
        "Offset Credits Intended for Compliance Buffer Pool": BUFFER,
        "Offset Credits Converted to VCUs": Part(EventType.WITHDRAWN, "Conversion to VCUs of Verra", "verra"),
        "Canceled for Compliance": Part(EventType.WITHDRAWN, "Conversion to credits of ARB", "arb"),
        "Canceled": Part(EventType.WITHDRAWN, "Canceled"),
    },
    date_order=MONTH_FIRST,
)
CAR_RETIREMENTS: Final = Format(
    key="car-retirements",
    name="Climate Action Reserve retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="climate-action-reserve",
    identified_by=(
        "Offset Credit Serial Numbers",
        "Quantity of Offset Credits",
        "Status Effective",
        "Project ID",
        "Retirement Reason",
    ),
    columns={**_CAR_BLOCKS, "Retirement Reason": "reason", "Retirement Reason Details": "note"},
    date_order=MONTH_FIRST,
)
CAR_CANCELLATIONS: Final = Format(
    key="car-cancellations",
    name="Climate Action Reserve cancellations",
    meaning=FileMeaning.CANCELLATIONS,
    registry="climate-action-reserve",
    identified_by=(
        "Offset Credit Serial Numbers",
        "Quantity of Offset Credits",
        "Status Effective",
        "Project ID",
        "Cancellation Reason",
    ),
    columns={**_CAR_BLOCKS, "Cancellation Reason": "reason", "Export Notes": "note"},
    date_order=MONTH_FIRST,
)

_ART: Final = {
    "Vintage": "vintage",
    "Program ID": "project_id",
    "Program Name": "project_name",
    "Program Country": "country",
    "Program Type": "project_type",
    "Program Developer": "developer",
}
_ART_BLOCKS: Final = {
    **_ART,
    "Credit Serial Numbers": "serial_number",
    "Quantity of Credits": "quantity",
    "Status Effective": OCCURRED_ON,
    "Account Holder": "account_holder",
}
ART_ISSUANCES: Final = Format(
    key="art-issuances",
    name="ART TREES issuances",
    meaning=FileMeaning.ISSUANCES,
    registry="art-trees",
    identified_by=("Credits Verified", "Program ID", "Vintage"),
    columns={**_ART, "Date Approved": "issued_on", "Credits Verified": "quantity"},
    parts={"Credits Deposited in Buffer": BUFFER},
    date_order=MONTH_FIRST,
)
ART_RETIREMENTS: Final = Format(
    key="art-retirements",
    name="ART TREES retirements",
    meaning=FileMeaning.RETIREMENTS,
    registry="art-trees",
    identified_by=(
        "Credit Serial Numbers",
        "Quantity of Credits",
        "Status Effective",
        "Program ID",
        "Retirement Reason",
    ),
    columns={
        **_ART_BLOCKS,
        "Retired on Behalf of": "beneficiary",
        "Retirement Reason": "reason",
        "Retirement Reason Details": "note",
        "Purpose of Retirement": "purpose",
    },
    date_order=MONTH_FIRST,
)
ART_CANCELLATIONS: Final = Format(
    key="art-cancellations",
    name="ART TREES cancellations",
    meaning=FileMeaning.CANCELLATIONS,
    registry="art-trees",
    identified_by=(
        "Credit Serial Numbers",
        "Quantity of Credits",
        "Status Effective",
        "Program ID",
        "Cancellation Reason",
    ),
    columns={
        **_ART_BLOCKS,
        "Cancellation Reason": "reason",
        "Cancellation Details": OTHER_BENEFICIARY,
    },
    date_order=MONTH_FIRST,
)

ACR_CAR_ART_FORMATS: Final = (
    ACR_ISSUANCES,
    ACR_RETIREMENTS,
    ACR_CANCELLATIONS,
    CAR_ISSUANCES,
    CAR_RETIREMENTS,
    CAR_CANCELLATIONS,
    ART_ISSUANCES,
    ART_RETIREMENTS,
    ART_CANCELLATIONS,
)
