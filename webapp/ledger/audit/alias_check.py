"""Check the aliases of registries: replay their entries in feed order, and compare the table. Reads only."""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.entry import REGISTRY, Entry, EntryType
from webapp.domain.event_validation import InvalidEvent, read_entry
from webapp.domain.registry_names import RegistryNames
from webapp.domain.text import canonical
from webapp.ledger.audit.findings import Finding, differences
from webapp.ledger.storage import statements

_ENTRIES: Final = (
    "SELECT feed.position, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.type IN ('ALIASED', 'UNALIASED') ORDER BY feed.position"
)
_ALIASES: Final = "SELECT alias_key, registry_key, alias FROM registry_aliases ORDER BY alias_key"


class Aliases(NamedTuple):
    """The names of registries that the log gives, and what is wrong."""

    names: RegistryNames
    findings: list[Finding]


def check_aliases(connection: Connection) -> Aliases:
    """Return the names that the log gives, and compare the table of aliases with them."""
    names, findings = RegistryNames(), []
    spelling: dict[str, str] = {}
    for position, body in statements.fetch(connection, _ENTRIES):
        try:
            entry = read_entry(body)
        except InvalidEvent:
            continue  # reported by ``entry_check``
        following = names.after(entry)
        if following is None:
            findings.append(Finding(f"position {position}", _impossible(entry)))
            continue
        names = following
        if entry.type is EntryType.ALIASED:
            spelling[canonical(entry.data["alias"])] = entry.data["alias"]
    found = {key: row for key, *row in statements.fetch(connection, _ALIASES)}
    expected = {key: [registry, spelling[key]] for key, registry in names}
    for key in sorted(found.keys() | expected.keys()):
        place = f"table registry_aliases, {key}"
        if key not in expected:
            findings.append(Finding(place, "the log does not give this row"))
        elif key not in found:
            findings.append(Finding(place, "this row is missing"))
        else:
            one, other = (
                dict(zip(("registry_key", "alias"), row, strict=True)) for row in (found[key], expected[key])
            )
            findings += [Finding(place, wrong) for wrong in differences(one, other, "the log gives")]
    return Aliases(names, findings)


def _impossible(entry: Entry) -> str:
    registry, alias = entry.subject.removeprefix(REGISTRY), entry.data["alias"]
    if entry.type is EntryType.UNALIASED:
        return f"it separates {alias} from {registry}, but that is no alias of it"
    return f"it joins {alias} to {registry}, but one of them is an alias or has one already"
