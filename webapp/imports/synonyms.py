"""Match the headers of a file to fields by their names and by what people commonly call them."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from webapp.domain.credit import REPLACES
from webapp.domain.facts import FACTS
from webapp.imports.column_names import Role, column_of
from webapp.imports.formats.format import (
    ACTIVE_TONNES,
    CREDIT_FACT_FIELDS,
    END_FACT_FIELDS,
    LIFE,
    OCCURRED_ON,
    OTHER_BENEFICIARY,
    SERIAL_FIRST,
    SERIAL_LAST,
    STATUS,
    header_key,
)

# For each field its names in other files, the most certain first. The name of the field itself comes
# before all of them.
_CREDIT: Final[dict[str, Sequence[str]]] = {
    "project_name": (
        "projectname projecttitle nameofproject offsetprojectname programname projekt projektname "
        "projekttitel proyecto nombredelproyecto projet nomduprojet projeto nomedoprojeto project name"
    ).split(),
    "registry": (
        "registry registryname carbonregistry register registre registro standard carbonstandard "
        "standardname creditingprogram creditingprogramme programme program"
    ).split(),
    "vintage": "vintage vintageyear creditvintage jahrgang cosecha millésime millesime year jahr año".split(),
    "quantity": (
        "quantity qty tonnes tons quantityofcredits creditquantity numberofcredits noofcredits "
        "quantitytco2e quantitytonnes quantityt volume volumetco2e volumetonnes amount amounttco2e credits "
        "units tco2e tco2 tonnesco2e tonnestco2e tonnesco2 quantityissued menge tonnen anzahl cantidad "
        "toneladas quantité quantite quantidade "
        "quantityretired retiredquantity creditsretired retiredcredits tonnesretired quantitycancelled "
        "cancelledquantity creditscancelled"
    ).split(),
    "serial_number": (
        "serialnumber serialnumbers serialno serialnos serialnr serial serials serialrange "
        "serialnumberrange creditserialnumber creditserialnumbers unitserialnumber seriennummer "
        "seriennummern seriennr numerodeserie númerodeserie numérodesérie numerodesérie"
    ).split(),
    REPLACES.name: (),
}
_FACTS: Final[dict[str, Sequence[str]]] = {
    "project_id": (
        "projectid projectnumber projectno projectcode projektid projektnummer projektnr gsid vcsid programid"
    ).split(),
    "programme": "program standard".split(),
    "country": "countryarea hostcountry projectcountry projectsitecountry land pais país pays".split(),
    "project_type": "projectcategory projektart projekttyp typeofproject tipodeproyecto".split(),
    "methodology": (
        "protocol methodologyprotocol projectmethodology methodik methode metodologia metodología "
        "méthodologie"
    ).split(),
    "activity": "reductionremoval".split(),
    "vintage_start": "vintagestartdate vintagefrom vintageperiodstart".split(),
    "vintage_end": "vintageenddate vintageto vintageperiodend".split(),
    "monitoring_start": "monitoringperiodstart monitoringperiodfrom reportingperiodstart".split(),
    "monitoring_end": "monitoringperiodend monitoringperiodto reportingperiodend".split(),
    "issued_on": "issuancedate dateissued dateofissuance issuedate issuedat issued ausgabedatum".split(),
    "acquired_on": "acquisitiondate dateacquired purchasedate purchasedon datepurchased kaufdatum".split(),
    "developer": "projectdeveloper proponent projectproponent projektentwickler".split(),
    "labels": "label certifications additionalcertifications".split(),
    "corresponding_adjustment": "articlesixauthorization article6authorization".split(),
    "registry_record_id": (),
}
_END: Final[dict[str, Sequence[str]]] = {
    OCCURRED_ON: (
        "retirementdate dateofretirement dateretired retiredon retiredat retireddate "
        "retirementcancellationdate cancellationdate dateofcancellation cancelledon canceledon cancelledat "
        "canceledat withdrawalon withdrawndate withdrawnon statuseffective statuseffectivegmt "
        "stilllegungsdatum stilllegungam stillgelegtam löschungsdatum fechaderetiro datederetrait "
        "transactiondate statusdate"
    ).split(),
    "beneficiary": (
        "beneficiaryname retirementbeneficiary retirementbeneficiaryname retiredonbehalfof onbehalfof "
        "retiredfor usingentity usedby enduser begünstigter beneficiario beneficiário bénéficiaire"
    ).split(),
    OTHER_BENEFICIARY: "aeroplaneoperatorname aeroplaneoperator passivesubject".split(),
    "reason": (
        "retirementreason reasonforretirement cancellationreason cancellationtype usecase "
        "certificatedestination grund"
    ).split(),
    "purpose": "purposeofretirement retirementpurpose".split(),
    "note": (
        "notes comment comments remark remarks retirementdetails retirementreasondetails retirementnote "
        "cancellationdetails bemerkung bemerkungen"
    ).split(),
    "reference": "ref retirementreference".split(),
    "account_holder": "accountname account retirementaccount".split(),
    "retirement_url": (),
    "retirement_id": (),
}
_TONNES: Final = {
    ACTIVE_TONNES: (
        "activequantity quantityactive activetonnes available availablequantity quantityavailable remaining "
        "remainingquantity quantityremaining balance"
    ).split(),
}
_BLOCK: Final = {
    SERIAL_FIRST: "blockfrom blockstart serialfrom serialstart serialnumberstart firstserialnumber".split(),
    SERIAL_LAST: "blockto blockend serialto serialend serialnumberend lastserialnumber".split(),
}
# Statuses of the row's own tonnes. A value that is not understood is then an error.
_STATUS: Final = "creditstatus unitstatus estado statut situação zustand".split()

# The facts of a record in JSON are in an object of their own.
_FACTS_OF_JSON: Final = f"{FACTS}."

# A unit behind a name, such as "Menge (t)" or "Quantity [tCO2e]".
_UNIT: Final = re.compile(r"[(\[][^()\[\]]*[)\]]$")

_LIFE_ROLES: Final = frozenset(
    {Role.STATUS, Role.STATUS_DATE, Role.INACTIVE, Role.ACTIVE, Role.EVENTS, Role.LOTS}
)


def match_headers(headers: Sequence[str]) -> dict[str, str]:
    """Return the field of every header, empty for those that no field fits."""
    by_key: dict[str, str] = {}
    for header in headers:
        by_key.setdefault(header_key(header.removeprefix(_FACTS_OF_JSON)), header)
    for header in headers:
        by_key.setdefault(header_key(_UNIT.sub("", header.strip())), header)
    columns: dict[str, str] = {}
    says_ends = any(column_of(header).role in _LIFE_ROLES for header in headers)
    _match(_CREDIT, headers, by_key, columns)
    if {"from", "to"} <= by_key.keys() and "serial_number" in columns.values():
        columns |= {by_key["from"]: SERIAL_FIRST, by_key["to"]: SERIAL_LAST}
    _match({STATUS: _STATUS, **_BLOCK, **_FACTS}, headers, by_key, columns)
    _match(dict.fromkeys(CREDIT_FACT_FIELDS, ()), headers, by_key, columns)
    if says_ends:
        _match({**_END, **dict.fromkeys(END_FACT_FIELDS, ()), **_TONNES}, headers, by_key, columns)
        _match_dates(headers, columns)
    return {header: columns.get(header) or _life(header) for header in headers}


def _match(
    fields: dict[str, Sequence[str]] | dict[str, list[str]] | dict[str, tuple[()]],
    headers: Sequence[str],
    by_key: dict[str, str],
    columns: dict[str, str],
) -> None:
    """Give each field the header that is its name, otherwise the first synonym among the headers."""
    for field, synonyms in fields.items():
        if field in columns.values():
            continue
        candidates: Iterable[str] = (header_key(field), *synonyms)
        found = [field] if field in headers else [by_key[name] for name in candidates if name in by_key]
        header = next((header for header in found if header not in columns), None)
        if header is not None:
            columns[header] = field


def _match_dates(headers: Sequence[str], columns: dict[str, str]) -> None:
    if OCCURRED_ON in columns.values():
        return
    for header in headers:
        column = column_of(header)
        if header not in columns and ((column.is_act and column.is_date) or column.role is Role.STATUS_DATE):
            columns[header] = OCCURRED_ON
            return


def _life(header: str) -> str:
    return LIFE if column_of(header).role in _LIFE_ROLES else ""
