"""Make a report from the ledger."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from webapp.domain.standing import zone_named
from webapp.ledger import retirements
from webapp.reports.comparison import compared
from webapp.reports.content import Party, Report
from webapp.reports.figures import LineSum, Sums
from webapp.reports.question import Question
from webapp.reports.sections import SECTIONS, not_counted


def report_of(question: Question) -> Report:
    """Return the report, with what differs from an earlier one if the question names one."""
    names = retirements.names_at(question.cut.position, question.party_keys)
    keys = retirements.keys_retired(question.cut, names.party_keys, question.year)
    undated_keys = retirements.keys_retired(question.cut, names.party_keys, None)
    sums, undated = Sums(names), LineSum("Date not stated")
    for retirement in retirements.retirements(question.cut, keys):
        sums.add(retirement)
    for retirement in retirements.retirements(question.cut, undated_keys):
        undated.add(retirement)
    parties = [
        Party(name, names.parties[key])
        for name, key in zip(question.parties, question.party_keys, strict=True)
    ]
    sections = [*SECTIONS[question.kind](sums, question), not_counted(question, undated)]
    notices = tuple(_notices(question, parties))
    return compared(
        Report(question, names, parties, sums.all.quantity_e4, keys, undated_keys, sections, notices)
    )


def _notices(question: Question, parties: Sequence[Party]) -> Iterator[str]:
    """Yield why the figures may be other than a reader expects: the year goes on, or a name is not known."""
    zone = zone_named(question.cut.time_zone)
    known_in = datetime.fromisoformat(question.cut.known_at).astimezone(zone).year
    if question.year > known_in:
        yield f"The year {question.year} had not begun at the time of this report."
    elif question.year == known_in:
        yield f"The year {question.year} had not ended at the time of this report."
    for party in parties:
        if not retirements.is_named(question.cut, party.names):
            yield f"No retirement of any year is recorded for “{party.name}”. Check the spelling."
