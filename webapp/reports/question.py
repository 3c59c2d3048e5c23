"""What a report is asked for: the kind, the year, the parties, and the two times of knowledge.

All of it stands in the address of a report, so that the same address gives the same report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlencode

from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import FieldError, QuantityField, TextField, VintageField, quantity_text
from webapp.domain.text import canonical
from webapp.ledger.as_of import Cut, cut

PARTIES_MAX: Final = 50
PARTY: Final = TextField("party", "Party", required=True, example="Acme Airlines")
YEAR: Final = VintageField("year", "Year", required=True, example="2025")
CONTRACTED: Final = QuantityField(
    "contracted", "Tonnes under contract", hint="Credits that are to be cancelled later under contracts."
)
CONTRACTED_SOURCE: Final = TextField(
    "contracted_source", "Source of that figure", hint="Such as a contract or a list of contracts."
)
# The parameters of a report, `party` any number of times.
PARAMETERS: Final = (YEAR.name, "known_at", "compared_with", CONTRACTED.name, CONTRACTED_SOURCE.name)


class Kind(StrEnum):
    """The kinds of report. Each value is the name in the URL."""

    ESRS = "esrs-e1-7"
    HSC = "hsc-44475-1"
    YEARLY = "yearly"


TITLES: Final[Mapping[Kind, str]] = {
    Kind.ESRS: "ESRS E1-7: carbon credits cancelled",
    Kind.HSC: "California HSC 44475.1: carbon credits by project",
    Kind.YEARLY: "Yearly statement of retirements",
}


@dataclass(frozen=True)
class Contracted:
    """Tonnes under contracts, in ten-thousandths, as a person states them, with the source."""

    quantity_e4: int
    source: str


@dataclass(frozen=True)
class Question:
    """What a report is asked for. `parties` are as stated; no two have the same canonical form."""

    kind: Kind
    year: int
    parties: tuple[str, ...]
    cut: Cut
    compared_with: Cut | None = None
    contracted: Contracted | None = None

    @property
    def party_keys(self) -> tuple[str, ...]:
        """The parties in canonical form."""
        return tuple(map(canonical, self.parties))

    def query(self, **more: str) -> str:
        """Return the query string of the permanent address, with further parameters at its end."""
        pairs = [(YEAR.name, str(self.year)), *((PARTY.name, party) for party in self.parties)]
        pairs.append(("known_at", self.cut.known_at))
        if self.compared_with:
            pairs.append(("compared_with", self.compared_with.known_at))
        if self.contracted:
            pairs.append((CONTRACTED.name, quantity_text(self.contracted.quantity_e4)))
            pairs.append((CONTRACTED_SOURCE.name, self.contracted.source))
        return urlencode([*pairs, *more.items()])

    @property
    def address(self) -> str:
        """The path and query of the page of this report."""
        return f"/reports/{self.kind}?{self.query()}"

    def anew(self) -> str:
        """Return the query string of the same report as of now, compared with this one."""
        pairs = parse_qsl(replace(self, compared_with=None).query(), keep_blank_values=True)
        pairs = [pair for pair in pairs if pair[0] != "known_at"]
        return urlencode([*pairs, ("compared_with", self.cut.known_at)])

    def without_comparison(self) -> "Question":
        """Return the same question without an earlier report to compare with."""
        return replace(self, compared_with=None)


def read_question(kind: Kind, values: Mapping[str, Sequence[str]], time_zone: str) -> Question:
    """Parse the parameters of a report, each with all its texts. Empty texts count as missing.

    Raises InvalidFields with every problem, and LedgerBusy (see ``as_of.cut``).
    """
    given = {name: [text for text in texts if text.strip()] for name, texts in values.items()}
    problems: list[Problem] = []
    year = _year(given, problems)
    parties = _parties(given, problems)
    contracted = _contracted(kind, given, problems)
    cuts: dict[str, Cut | None] = {"known_at": None, "compared_with": None}
    for name in cuts:
        if name == "known_at" or given.get(name):
            try:
                cuts[name] = cut(known_at=_one(given, name), time_zone=time_zone)
            except InvalidFields as refusal:
                problems += [Problem(name, problem.message) for problem in refusal.problems]
    now, before = cuts["known_at"], cuts["compared_with"]
    if now and before and before.position > now.position:
        problems.append(Problem("compared_with", "Must not be later than the report itself."))
    if problems or now is None or year is None:
        raise InvalidFields(problems)
    return Question(kind, year, parties, now, before, contracted)


def _one(given: Mapping[str, Sequence[str]], name: str) -> str | None:
    texts = given.get(name, ())
    return texts[0] if texts else None


def _year(given: Mapping[str, Sequence[str]], problems: list[Problem]) -> int | None:
    try:
        text = _one(given, YEAR.name)
        if text is None:
            YEAR.require()
        return YEAR.parse(text)
    except FieldError as refusal:
        problems.append(Problem(YEAR.name, str(refusal)))
        return None


def _parties(given: Mapping[str, Sequence[str]], problems: list[Problem]) -> tuple[str, ...]:
    parties: dict[str, str] = {}
    for text in given.get(PARTY.name, ()):
        try:
            party = PARTY.parse(text)
        except FieldError as refusal:
            problems.append(Problem(PARTY.name, str(refusal)))
        else:
            parties.setdefault(canonical(party or ""), party or "")
    if len(parties) > PARTIES_MAX:
        problems.append(Problem(PARTY.name, f"At most {PARTIES_MAX} parties can be chosen."))
    elif not parties and not any(problem.field == PARTY.name for problem in problems):
        message = "Choose at least one: a retirement for a client is never one's own."
        problems.append(Problem(PARTY.name, message))
    return tuple(parties.values())


def _contracted(kind: Kind, given: Mapping[str, Sequence[str]], problems: list[Problem]) -> Contracted | None:
    texts = {field.name: _one(given, field.name) for field in (CONTRACTED, CONTRACTED_SOURCE)}
    if not any(texts.values()):
        return None
    if kind is not Kind.ESRS:
        problems.append(Problem(CONTRACTED.name, "Only the ESRS table has this figure."))
        return None
    if not all(texts.values()):
        missing = next(name for name, text in texts.items() if not text)
        problems.append(Problem(missing, "The figure and its source belong together."))
        return None
    try:
        quantity_e4 = CONTRACTED.parse(texts[CONTRACTED.name])
        source = CONTRACTED_SOURCE.parse(texts[CONTRACTED_SOURCE.name])
    except FieldError as refusal:
        problems.append(Problem(CONTRACTED.name, str(refusal)))
        return None
    return Contracted(quantity_e4 or 0, source or "")
