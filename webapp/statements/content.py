"""The content of a statement of a retirement: what pages, the PDF and the attached data show.

A statement names no person of the ledger. It has the words of the retirement as they are now, and what an
amendment restated with what was said before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from webapp.domain.action_fields import RETIREMENT_FIELDS
from webapp.domain.errors import UnknownStatement
from webapp.domain.evidence import EVIDENCE, EvidenceFile, files_in
from webapp.domain.facts import RETIREMENT_FACTS
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import EventType
from webapp.ledger.acts import Act, ActedCredit

KIND: Final = "carbon-credit-ledger/retirement-statement"
VERSION: Final = 1
# The words of a retirement that a statement has. A note is for those who use the ledger.
BENEFICIARY: Final = "beneficiary"
OCCURRED_ON: Final = "occurred_on"
WORDS: Final = (BENEFICIARY, "reason", OCCURRED_ON, "reference", "retirement_id", EVIDENCE.name)
LABELS: Final[Mapping[str, str]] = {
    **{field.name: field.label for field in (*RETIREMENT_FIELDS, *RETIREMENT_FACTS) if field.name in WORDS},
    OCCURRED_ON: "Retirement date",
}
CONTESTED: Final = "Another credit holds the same serial number under another name of the registry."


def shown(name: str, text: str) -> str:
    """Return a word as people read it: of evidence the name of each file before its SHA-256."""
    if name != EVIDENCE.name:
        return text
    return "; ".join(f"{file.name} (SHA-256 {file.sha256})" for file in files_in({name: text}))


class Word(NamedTuple):
    """A word with its label. The text of a day is `YYYY-MM-DD`."""

    label: str
    text: str
    is_day: bool


@dataclass(frozen=True)
class Lot:
    """A credit of the statement. `own` has the words that not all lots share."""

    acted: ActedCredit
    own: Sequence[Word]


@dataclass(frozen=True)
class Group:
    """The lots of one project, registry and vintage, in the order of their events.

    `project_id` is empty if it is not known.
    """

    project_name: str
    registry: str
    project_id: str
    vintage: int
    lots: Sequence[Lot]

    @property
    def quantity_e4(self) -> int:
        """The tonnes of its lots, in ten-thousandths."""
        return sum(lot.acted.credit.quantity_e4 for lot in self.lots)


@dataclass(frozen=True)
class Restated:
    """One word that an amendment restated, on how many lots. A text is empty where there was none."""

    amended_at: str
    name: str
    before: str
    after: str
    lots: int

    @property
    def label(self) -> str:
        """The label of the word."""
        return LABELS[self.name]

    @property
    def is_day(self) -> bool:
        """Whether the word is a day (`YYYY-MM-DD`)."""
        return self.name == OCCURRED_ON

    @property
    def was(self) -> str:
        """The text before, as people read it."""
        return shown(self.name, self.before)

    @property
    def is_now(self) -> str:
        """The text after, as people read it."""
        return shown(self.name, self.after)


@dataclass(frozen=True)
class Statement:
    """The statement of a retirement. `address` is that of its page, None if it is not known."""

    act: Act
    address: str | None
    groups: Sequence[Group]
    restated: Sequence[Restated]

    @property
    def position(self) -> int:
        """The position of the act, by which a statement is numbered."""
        return self.act.position

    @property
    def quantity_e4(self) -> int:
        """All its tonnes, in ten-thousandths."""
        return self.act.quantity_e4

    @property
    def number_of_lots(self) -> int:
        """The number of its lots."""
        return len(self.act.credits)

    @property
    def beneficiaries(self) -> list[tuple[str, int]]:
        """For whom it was retired, with the tonnes of each; an empty text where nobody is named."""
        found: dict[str, int] = {}
        for acted in self.act.credits:
            name = acted.said(BENEFICIARY)
            found[name] = found.get(name, 0) + acted.credit.quantity_e4
        return list(found.items())

    @property
    def days(self) -> list[str]:
        """The different days of retirement (`YYYY-MM-DD`), the earliest first."""
        return sorted(self.act.said(OCCURRED_ON))

    def said(self, name: str) -> list[str]:
        """Return the different values of a word of the retirement."""
        return self.act.said(name)

    @property
    def evidence(self) -> list[EvidenceFile]:
        """The different files that the retirement names."""
        texts = self.said(EVIDENCE.name)
        return list(dict.fromkeys(file for text in texts for file in files_in({EVIDENCE.name: text})))

    @property
    def updated_at(self) -> datetime:
        """When the last event that it shows was recorded, which is the date of the document."""
        times = [self.act.recorded_at, *(each.amended_at for each in self.restated)]
        return datetime.fromisoformat(max(times))


def statement_of(act: Act, address: str | None = None) -> Statement:
    """Return the statement of the act. Raises UnknownStatement if it is no retirement."""
    if act.event_type is not EventType.RETIRED:
        raise UnknownStatement
    differing = [name for name in WORDS if len({acted.said(name) for acted in act.credits}) > 1]
    found: dict[tuple[str, str, str, int], list[Lot]] = {}
    for acted in act.credits:
        credit = acted.credit
        key = (credit.project_name, credit.registry, acted.facts.get("project_id", ""), credit.vintage)
        own = [
            Word(LABELS[name], shown(name, acted.said(name)), name == OCCURRED_ON)
            for name in differing
            if acted.said(name)
        ]
        if acted.is_contested:
            own.append(Word("Serial number", CONTESTED, is_day=False))
        found.setdefault(key, []).append(Lot(acted, own))
    groups = [Group(*key, lots) for key, lots in found.items()]
    return Statement(act, address, groups, _restated(act))


def _restated(act: Act) -> list[Restated]:
    """Return what amendments restated, oldest first; the same on many lots is one."""
    counted: dict[tuple[str, str, str, str], int] = {}
    for acted in act.credits:
        for amendment in acted.amendments:
            for name in WORDS:
                if name in amendment.changes:
                    key = (amendment.recorded_at, name, *amendment.changes[name])
                    counted[key] = counted.get(key, 0) + 1
    return [Restated(*key, lots) for key, lots in sorted(counted.items(), key=lambda each: each[0][0])]


def data_of(statement: Statement) -> dict[str, Any]:
    """Return the statement as data for programs. Tonnes are exact decimal text."""
    act = statement.act
    return {
        "kind": KIND,
        "version": VERSION,
        "act": statement.position,
        **({"address": statement.address} if statement.address else {}),
        "quantity": quantity_text(statement.quantity_e4),
        "beneficiaries": [
            {"beneficiary": name or None, "quantity": quantity_text(e4)}
            for name, e4 in statement.beneficiaries
        ],
        "retired_on": statement.days,
        "recorded_at": act.recorded_at,
        "credits": [_credit_data(acted) for acted in act.credits],
        "totals": [
            {
                "project_name": group.project_name,
                "registry": group.registry,
                **({"project_id": group.project_id} if group.project_id else {}),
                "vintage": group.vintage,
                "credits": len(group.lots),
                "quantity": quantity_text(group.quantity_e4),
            }
            for group in statement.groups
        ],
        "amended": [
            {
                "amended_at": each.amended_at,
                "word": each.name,
                "before": each.before or None,
                "after": each.after or None,
                "credits": each.lots,
            }
            for each in statement.restated
        ],
    }


def _credit_data(acted: ActedCredit) -> dict[str, Any]:
    credit, event = acted.credit, acted.event
    words = {name: acted.said(name) for name in WORDS if acted.said(name)}
    project_id = acted.facts.get("project_id")
    return {
        "id": credit.id,
        "project_name": credit.project_name,
        "registry": credit.registry,
        **({"project_id": project_id} if project_id else {}),
        "vintage": credit.vintage,
        "quantity": credit.quantity,
        **({"serial_number": credit.serial_number} if credit.serial_number else {}),
        **words,
        "event": {"position": event.position, "seq": event.seq, "hash": event.hash},
    }
