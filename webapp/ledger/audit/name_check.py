"""Check the joined names of a kind: replay their entries in feed order, and compare the table. Reads only."""

from typing import NamedTuple

from sqlalchemy import Connection

from webapp.domain.entry import Entry
from webapp.domain.joined_names import NameHistory, NameKind
from webapp.ledger.audit.findings import Finding, differences
from webapp.ledger.projections.joined_names import TABLES, joined_names, name_entries


class CheckedNames(NamedTuple):
    """The main name of each alias that the log gives, and what is wrong."""

    main_of: dict[str, str]
    findings: list[Finding]


def check_names(connection: Connection, kind: NameKind) -> CheckedNames:
    """Return the names of a kind that the log gives, and compare its table with them."""
    names, findings = NameHistory(kind), []
    for position, entry in name_entries(connection, kind):
        if not names.follow(entry):
            findings.append(Finding(f"position {position}", _impossible(kind, entry)))
    found, expected = joined_names(connection, kind), names.joined
    table = TABLES[kind]
    for key in sorted(found.keys() | expected.keys()):
        place = f"table {table.name}, {key}"
        if key not in expected:
            findings.append(Finding(place, "the log does not give this row"))
        elif key not in found:
            findings.append(Finding(place, "this row is missing"))
        else:
            one, other = (
                dict(zip((table.main, "alias"), row, strict=True)) for row in (found[key], expected[key])
            )
            findings += [Finding(place, wrong) for wrong in differences(one, other, "the log gives")]
    return CheckedNames(names.main_of, findings)


def _impossible(kind: NameKind, entry: Entry) -> str:
    main, alias = entry.subject.removeprefix(kind.subject), entry.data[kind.alias.name]
    if entry.type is kind.separates:
        return f"it separates {alias} from {main}, but that is no alias of it"
    return f"it joins {alias} to {main}, but one of them is an alias or has one already"
