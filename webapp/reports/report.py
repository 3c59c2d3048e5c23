"""Make a report from the ledger."""

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
    return compared(Report(question, names, parties, sums.all.quantity_e4, keys, undated_keys, sections))
