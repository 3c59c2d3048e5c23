"""Compare a file with the ledger where nothing has to be recorded, and list what the two say differently.

A difference is never written to the ledger. It is kept with the import and can be downloaded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import Credit
from webapp.domain.fields import E4
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.text import canonical
from webapp.imports.number_ranges import NumberLine, Run
from webapp.imports.plan import Difference, Kind, Plan
from webapp.ledger import holdings
from webapp.ledger.holdings import Holding
from webapp.ledger.projections.joined_names import registry_names

ACTIVE: Final = "active"
_WORDS: Final = {
    Status.ACTIVE: ACTIVE,
    Status.SOLD: "sold",
    Status.RETIRED: "retired",
    Status.WITHDRAWN: "cancelled at the registry",
    Status.CANCELLED: "void",
    Status.SPLIT: "split",
}
_END_WORDS: Final = {EventType.RETIRED: "retired", EventType.WITHDRAWN: "cancelled at the registry"}
_ENDS: Final = {EventType.RETIRED: Status.RETIRED, EventType.WITHDRAWN: Status.WITHDRAWN}
NOT_STATED: Final = "not stated"
NOT_SEEN: Final = "not in the file"
# What is recorded already, what is left out, and what the rows end here.
_COMPARED: Final = frozenset({Kind.EXISTING, Kind.LEFT_OUT, Kind.RETIRED, Kind.WITHDRAWN})
NO_ROW: Final = -1


@dataclass(frozen=True)
class _Pair:
    """Tonnes that a row and the ledger both name."""

    place: int
    holder: Holding
    quantity_e4: int


def compare(connection: Connection, plan: Plan, *, is_state: bool) -> list[Difference]:
    """Return the differences between the rows and the ledger as it is before the plan is written.

    `is_state`: the file says what each block is now, so what it does not name any more is a difference.
    """
    seen = {p.place for p in plan.pieces if p.kind in _COMPARED}
    pairs = list(_pairs(connection, plan.rows, sorted(seen)))
    ends = holdings.ends_of(connection, [pair.holder.key for pair in pairs if not pair.holder.is_open])
    left_out = {p.place for p in plan.pieces if p.kind is Kind.LEFT_OUT}
    differences = []
    for pair in pairs:
        row = plan.rows[pair.place]
        for what, here, there in _differences(row, pair.holder, ends, is_left_out=pair.place in left_out):
            differences.append(
                Difference(pair.place, pair.holder.credit_id, what, here, there, pair.quantity_e4)
            )
    if is_state:
        differences += _not_seen(connection, plan.rows)
    return differences


def _pairs(connection: Connection, rows: Sequence[ImportRow], places: Sequence[int]) -> Iterator[_Pair]:
    with_credit = [(place, credit) for place in places if (credit := rows[place].credit)]
    blocks = [(place, credit.block) for place, credit in with_credit if credit.block]
    found = holdings.holders_of_numbers(connection, [block for _, block in blocks])
    ended = _lines(row.credit for row in rows if row.credit and row.end)
    for (place, block), holders in zip(blocks, found, strict=True):
        line = NumberLine() if rows[place].end else ended.get(block.series, NumberLine())
        for holder in holders:
            first, last = max(block.first, holder.first), min(block.last, holder.last)
            # What another row of the file ends is compared there.
            length = sum(run.length for run in line.cut(first, last) if run.holder is None)
            if length:
                yield _Pair(place, holder, length * E4)
    plain = [(place, credit) for place, credit in with_credit if not credit.block]
    ids = holdings.credits_of(connection, [credit for _, credit in plain])
    leaves = holdings.leaves_of(connection, ids.values())
    ends = {credit.id for place, credit in plain if rows[place].end}
    for place, credit in plain:
        if credit.id in ends and rows[place].end is None:
            continue
        for leaf in leaves.get(ids.get(credit.id, ""), []):
            yield _Pair(place, leaf, leaf.quantity_e4)


def _differences(
    row: ImportRow, holder: Holding, ends: Mapping[int, Mapping[str, str]], *, is_left_out: bool
) -> Iterator[tuple[str, str, str]]:
    credit, end = row.credit, row.end
    if credit is None:
        return
    there = _stated_status(row, holder, is_left_out=is_left_out)
    if there:
        yield "status", _WORDS[holder.status], there
    elif end and not holder.is_open:
        yield from _end_differences(end, holder, ends.get(holder.key, {}))
    elif end and holder.status is Status.SOLD:
        named = end.data.get("beneficiary")
        if holder.buyer and named and canonical(holder.buyer) != canonical(named):
            yield "buyer and beneficiary", f"sold to {holder.buyer}", f"retired for {named}"
    if holder.vintage != credit.vintage:
        yield "vintage", str(holder.vintage), str(credit.vintage)
    if holder.project_key != credit.canonical.project_name:
        yield "project name", holder.project_name, credit.project_name


def _stated_status(row: ImportRow, holder: Holding, *, is_left_out: bool) -> str | None:
    """Return the status that the row states, if the ledger has another one."""
    if row.end is None and row.status is not Status.ACTIVE:  # a row of our own files
        is_other = row.status not in {holder.status, Status.SPLIT}
        return _WORDS[row.status] if is_other else None
    if row.end is None:
        return ACTIVE if not row.is_issuance and not holder.is_open else None
    # Open tonnes that the row ends are retired by the import, unless the row is left out.
    is_other = is_left_out if holder.is_open else _ENDS[row.end.type] is not holder.status
    return _END_WORDS[row.end.type] if is_other else None


def _end_differences(
    end: StatedEnd, holder: Holding, recorded: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    stated = end.data.get("beneficiary")
    if stated and canonical(stated) != canonical(holder.beneficiary or ""):
        yield "beneficiary", holder.beneficiary or NOT_STATED, stated
    occurred_on = recorded.get("occurred_on")
    if end.occurred_on and end.occurred_on != occurred_on:
        yield "date", occurred_on or NOT_STATED, end.occurred_on


def _not_seen(connection: Connection, rows: Sequence[ImportRow]) -> Iterator[Difference]:
    """Yield what is active or sold here, in the projects of the file, and is not in the file."""
    credits = [row.credit for row in rows if row.credit]
    names = registry_names(connection)
    projects = {(names.key(each.canonical.registry), each.canonical.project_name) for each in credits}
    named = {credit.id for credit in credits}
    claims = {names.claim(credit) for credit in credits}
    lines = _lines(credits)
    for holder, claim, series in holdings.open_credits_of(connection, projects):
        if series is not None:
            line = lines.get(series, NumberLine())
            gone = [run for run in line.cut(holder.first, holder.last) if run.holder is None]
            missing_e4 = sum(run.length for run in gone) * E4
        else:
            is_named = holder.credit_id in named or claim in claims
            missing_e4 = 0 if is_named else holder.quantity_e4
        if missing_e4:
            yield not_seen_difference(holder, missing_e4)


def not_seen_difference(holder: Holding, missing_e4: int) -> Difference:
    """Return the difference of a credit with tonnes that the file does not name any more."""
    status = _WORDS[holder.status]
    return Difference(NO_ROW, holder.credit_id, NOT_SEEN, status, None, missing_e4, holder)


def _lines(credits: Iterable[Credit]) -> dict[str, NumberLine[bool]]:
    lines: dict[str, NumberLine[bool]] = {}
    for credit in credits:
        for block in [credit.block] if credit.block else []:
            line = lines.setdefault(block.series, NumberLine())
            for run in list(line.cut(block.first, block.last)):
                if run.holder is None:
                    line.add(Run(run.first, run.last, True))
    return lines
