"""What credits were on each day, worked out from the log alone: an oracle for ``webapp.ledger.as_of``.

Shares no code with ``webapp.domain.standing``. Slow, and plain.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from webapp.domain.amendment import amendments_of, present_data, present_facts
from webapp.domain.event import Event
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.text import canonical
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.log_tables import events, feed

Sums = dict[tuple[str, str, str, int, str, str, int], tuple[int, int]]


@dataclass(frozen=True)
class Seen:
    """Something that happened to a credit. `day` is an ISO day."""

    type: EventType
    day: str
    is_dated: int
    party: str


class Log:
    """The events of credits up to a position."""

    def __init__(self, position: int) -> None:
        statement = (
            select(feed.c.position, events.c.body)
            .join_from(feed, events, (feed.c.subject == events.c.subject) & (feed.c.seq == events.c.seq))
            .where(feed.c.position <= position, feed.c.subject > 0)
            .order_by(feed.c.position)
        )
        self.of: dict[str, list[Event]] = defaultdict(list)
        with reading() as connection:
            for _, body in connection.execute(statement):
                event = parse_stored(body)
                self.of[event.credit_id].append(event)

    def balances(self, as_of: date) -> Sums:
        """Return credits and ten-thousandths by cell at the end of a day."""
        sums: Sums = defaultdict(lambda: (0, 0))
        for credit_id in self.of:
            happened = [seen for seen in self.history(credit_id) if seen.day <= as_of.isoformat()]
            if happened:
                self._add(sums, credit_id, happened[-1])
        return dict(sums)

    def movements(self, first: date, last: date) -> Sums:
        """Return what happened between two days, in the same way."""
        sums: Sums = defaultdict(lambda: (0, 0))
        for credit_id in self.of:
            for seen in self.history(credit_id):
                if first.isoformat() <= seen.day <= last.isoformat():
                    self._add(sums, credit_id, seen)
        return dict(sums)

    def _add(self, sums: Sums, credit_id: str, seen: Seen) -> None:
        created = self.of[credit_id][0].data
        facts = self.facts(credit_id)
        cell = (
            canonical(str(created["registry"])),
            canonical(str(created["project_name"])),
            canonical(facts.get("project_id", "")),
            int(str(created["vintage"])),
            str(seen.type),
            canonical(seen.party),
            seen.is_dated,
        )
        whole, _, part = str(created["quantity"]).partition(".")
        credits, quantity_e4 = sums[cell]
        sums[cell] = (credits + 1, quantity_e4 + int(whole + part.ljust(4, "0")))

    def path(self, credit_id: str) -> list[str]:
        parent = self.of[credit_id][0].data.get("parent")
        return [*(self.path(str(parent)) if parent else []), credit_id]

    def facts(self, credit_id: str) -> dict[str, str]:
        return present_facts((e.type, e.data) for each in self.path(credit_id) for e in self.of[each])

    def history(self, credit_id: str) -> list[Seen]:
        """Return what happened to a credit; nothing if it is void or was split."""
        types = [event.type for event in self.of[credit_id]]
        if EventType.SPLIT in types or EventType.CANCELLED in types:
            return []
        found: list[Seen] = []
        for each in self.path(credit_id):
            carried = 2 if found and found[-1].type is EventType.SOLD else 0
            for event in self.of[each]:
                self._see(found, each, event, is_carried=event.seq == carried)
        facts = self.facts(credit_id)
        stated = facts.get("acquired_on") or facts.get("issued_on")
        day = min([stated or found[0].day, *(seen.day for seen in found[1:])])
        return [replace(found[0], day=day, is_dated=int(bool(stated))), *found[1:]]

    def _see(self, found: list[Seen], credit_id: str, event: Event, *, is_carried: bool) -> None:
        is_lot = event.type is EventType.CREATED and bool(found)
        if event.type not in STATUS_AFTER or event.type is EventType.SPLIT or is_lot:
            return
        own = [(each.type, each.data) for each in self.of[credit_id]]
        data = present_data(event.data, amendments_of(event.seq, own))
        stated = str(data.get("occurred_on", "")) if event.type is not EventType.CREATED else ""
        party = str(data.get("buyer") or data.get("beneficiary") or "")
        if event.type is EventType.SALE_REVERSED:
            party = next(seen.party for seen in reversed(found) if seen.type is EventType.SOLD)
        recorded = found.pop().day if is_carried and not stated else event.recorded_at[:10]
        if is_carried and stated:
            found.pop()
        found.append(Seen(event.type, stated or recorded, int(bool(stated)), party))
