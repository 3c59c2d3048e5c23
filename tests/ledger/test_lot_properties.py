"""Random actions on lots, compared with a simple model and between both databases."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, withdrawn
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.fixtures.random_cases import cases
from tests.ledger.audit.tampering import digest
from tests.ledger.invariants import assert_sound, derived
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyCancelled,
    AlreadyRetired,
    AlreadySold,
    AlreadySplit,
    AlreadyWithdrawn,
    BlockHeld,
    CancelledBefore,
    InvalidFields,
    LedgerError,
    ReplacedBefore,
    SerialHeld,
)
from webapp.domain.fields import E4, quantity_text
from webapp.domain.lifecycle import HOLDING, EventType, Status
from webapp.domain.text import canonical
from webapp.ledger import queries, summaries
from webapp.ledger.commands import (
    amend_credit,
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    reverse_sale,
    sell_credit,
    split_credit,
)
from webapp.ledger.listing import list_events
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.projection_tables import serial_blocks
from webapp.ledger.summaries import Sum

pytestmark = pytest.mark.slow

# Tonnes, serial number, the numbers it names: two blocks that overlap, a quantity with decimals that
# names numbers of both, a plain serial number, the text of a lot of that, and none.
ROOTS: list[tuple[str, str | None, tuple[int, int] | None]] = [
    ("10", "ACR-X-2025-1 to 10", (1, 10)),
    ("10", "acr-x-2025-6 TO 15", (6, 15)),
    ("4.5", "ACR-X-2025-9 to 12", (9, 12)),
    ("7.5", "S-1", None),
    ("3", "S-1, 0\u20131 t of 7.5 t", None),
    ("3", None, None),
]
# What an amendment of each event states.
WORDS: dict[EventType, dict[str, object]] = {
    EventType.CREATED: {"facts": {"country": "Kenya"}},
    EventType.SOLD: {"buyer": "Zoë"},
    EventType.SALE_REVERSED: {"reason": "Twice"},
    EventType.RETIRED: {"beneficiary": "", "facts": {"purpose": "CORSIA"}},
    EventType.WITHDRAWN: {"reason": "Reversal"},
    EventType.CANCELLED: {"reason": "Twice"},
}
Act = tuple[str, int, float]
acts = st.lists(
    st.tuples(
        st.sampled_from(
            "create create split part sell sell reverse take_back retire withdraw amend amend cancel cancel"
            " correct".split()
        ),
        st.integers(0, 15),
        st.sampled_from([0.5, 1, 2, 3, 4.5, 7, 12]),
    ),
    max_size=25,
)
ENDED: dict[Status, type[LedgerError]] = {
    Status.RETIRED: AlreadyRetired,
    Status.WITHDRAWN: AlreadyWithdrawn,
    Status.SPLIT: AlreadySplit,
    Status.CANCELLED: AlreadyCancelled,
}


@dataclass(eq=False)
class Piece:
    """A credit of the model: its fields, its parent if it is a lot, and its status."""

    id: str
    quantity_e4: int
    serial: str | None
    numbers: tuple[int, int] | None
    parent: "Piece | None" = None
    vintage: int = 2020
    status: Status = Status.ACTIVE
    lots: list["Piece"] = field(default_factory=list)
    replacement: "Piece | None" = None
    buyer: str | None = None
    # The `seq` of its sale that stands.
    sale: int | None = None

    @property
    def is_block(self) -> bool:
        return self.numbers is not None and (self.numbers[1] - self.numbers[0] + 1) * E4 == self.quantity_e4

    @property
    def is_counted(self) -> bool:
        """Whether any tonne of it is, or was cancelled at the registry, so that its numbers stay held."""
        return self.status in HOLDING or any(lot.is_counted for lot in self.lots)

    @property
    def is_stood_for(self) -> bool:
        """Whether a tonne is counted of what was recorded in its place, or in that of a lot of it."""
        other = self.replacement
        return bool(other and (other.is_counted or other.is_stood_for)) or any(
            lot.is_stood_for for lot in self.lots
        )

    @property
    def is_numbered(self) -> bool:
        """Whether its text is a serial number: the lots of what has none only state their place."""
        return self.serial is not None if self.parent is None else self.parent.is_numbered

    @property
    def held(self) -> tuple[int, int] | None:
        """The numbers that it holds itself, and none of its lots."""
        is_handed_on = any(lot.numbers for lot in self.lots)
        return self.numbers if self.is_counted and not is_handed_on else None

    @property
    def values(self) -> dict[str, object]:
        return values_of(quantity_text(self.quantity_e4), self.serial, self.vintage)


def values_of(quantity: str, serial: str | None, vintage: int = 2020) -> dict[str, object]:
    return a_credit(quantity=quantity, serial_number=serial, vintage=str(vintage), registry="ACR")


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


@dataclass
class Model:
    """What the ledger promises, with every tonne in one piece."""

    pieces: list[Piece] = field(default_factory=list)

    def perform(self, act: Act) -> None:
        """Perform the action on the model and on the ledger; both must raise the same error or none."""
        kind, number, tonnes = act
        if kind == "create":
            self._create(*ROOTS[number % len(ROOTS)])
        elif self.pieces:
            piece = self.pieces[number % len(self.pieces)]
            {
                "split": self._split,
                "sell": self._sell,
                "reverse": self._reverse,
                "take_back": self._reverse_part,
                "part": self._retire_part,
                "retire": self._retire,
                "withdraw": self._withdraw,
                "amend": self._amend,
                "cancel": self._cancel,
                "correct": self._correct,
            }[kind](piece, round(tonnes * E4))

    def why_held(self, serial: str | None, numbers: tuple[int, int] | None) -> type[LedgerError] | None:
        """Return the expected error for a new credit with this serial number."""
        key = canonical(serial or "")
        if key and any(
            p.is_counted and p.is_numbered and canonical(p.serial or "") == key for p in self.pieces
        ):
            return SerialHeld
        return (
            BlockHeld if numbers and any(p.held and overlap(p.held, numbers) for p in self.pieces) else None
        )

    def _create(self, quantity: str, serial: str | None, numbers: tuple[int, int] | None) -> None:
        credit = parse_credit(values_of(quantity, serial))
        known = next((p for p in self.pieces if p.id == credit.id), None)
        expected = self.why_held(serial, numbers)
        if known:
            gone = ReplacedBefore if known.is_stood_for else CancelledBefore
            expected = None if known.is_counted else gone
        if not refused(expected, lambda: create_credit(values_of(quantity, serial), LOCAL)) and not known:
            self.pieces.append(Piece(credit.id, credit.quantity_e4, serial, numbers))

    def _split(self, piece: Piece, part_e4: int) -> None:
        rest_e4 = piece.quantity_e4 - part_e4
        expected = ENDED.get(piece.status)
        if rest_e4 <= 0 or (expected is None and piece.is_block and part_e4 % E4):
            expected = InvalidFields if rest_e4 <= 0 else expected or InvalidFields
        quantities = {"quantities": [quantity_text(part_e4), quantity_text(max(rest_e4, 0))]}
        if not refused(expected, lambda: split_credit(piece.id, quantities, LOCAL).lot_ids):
            self._part(piece)

    def _part(self, piece: Piece) -> None:
        """Take the lots over from the ledger; what they hold follows from the piece."""
        first = piece.numbers[0] if piece.numbers and piece.is_block else None
        for lot in queries.record(piece.id).relations.lots:
            last = None if first is None else first + lot.quantity_e4 // E4 - 1
            numbers = None if first is None or last is None else (first, last)
            new = Piece(
                lot.id, lot.quantity_e4, lot.serial_number, numbers, piece, piece.vintage, piece.status
            )
            new.buyer, new.sale = piece.buyer, 2 if piece.sale else None
            piece.lots.append(new)
            first = None if last is None else last + 1
        piece.status = Status.SPLIT
        self.pieces += piece.lots
        assert sum(lot.quantity_e4 for lot in piece.lots) == piece.quantity_e4

    def _sell(self, piece: Piece, _: int) -> None:
        expected = AlreadySold if piece.status is Status.SOLD else ENDED.get(piece.status)
        if not refused(expected, lambda: sell_credit(piece.id, {"buyer": "Acme"}, LOCAL)):
            piece.status, piece.buyer = Status.SOLD, "Acme"
            piece.sale = queries.record(piece.id).head.seq

    def _reverse(self, piece: Piece, _: int) -> None:
        if not refused(irreversible(piece), lambda: reverse_sale(piece.id, {"reason": "Typo"}, LOCAL)):
            piece.status, piece.buyer, piece.sale = Status.ACTIVE, None, None

    def _reverse_part(self, piece: Piece, part_e4: int) -> None:
        values = {"quantity": quantity_text(part_e4), "reason": "Typo"}
        part = self._part_of(
            piece, part_e4, irreversible(piece), lambda: reverse_sale(piece.id, values, LOCAL)
        )
        if part:
            part.status, part.buyer, part.sale = Status.ACTIVE, None, None

    def _retire(self, piece: Piece, _: int) -> None:
        if not refused(ENDED.get(piece.status), lambda: retire_credit(piece.id, {}, LOCAL)):
            piece.status = Status.RETIRED

    def _withdraw(self, piece: Piece, _: int) -> None:
        if not refused(ENDED.get(piece.status), lambda: withdrawn(piece.id)):
            piece.status = Status.WITHDRAWN

    def _amend(self, piece: Piece, number: int) -> None:
        """Amend an event that can be amended. Of these, the buyer of the sale that stands is in the model."""
        events = [e for e in queries.record(piece.id).events if e.event_type in WORDS]
        event = events[number % len(events)]
        values = {"amends": str(event.seq), **WORDS[event.event_type], "why": str(number)}
        assert not refused(None, lambda: amend_credit(piece.id, values, LOCAL))
        if event.seq == piece.sale:
            piece.buyer = "Zoë"

    def _retire_part(self, piece: Piece, part_e4: int) -> None:
        values = {"quantity": quantity_text(part_e4)}
        part = self._part_of(
            piece, part_e4, ENDED.get(piece.status), lambda: retire_credit(piece.id, values, LOCAL)
        )
        if part:
            part.status = Status.RETIRED

    def _part_of(
        self, piece: Piece, part_e4: int, expected: type[LedgerError] | None, act: Callable[[], object]
    ) -> Piece | None:
        """Act on a part of a piece; return it, None if the action was refused."""
        is_split = part_e4 != piece.quantity_e4
        if (
            expected is None
            and is_split
            and (part_e4 > piece.quantity_e4 or (piece.is_block and part_e4 % E4))
        ):
            expected = InvalidFields
        if refused(expected, act):
            return None
        if is_split:
            self._part(piece)
        return piece.lots[0] if is_split else piece

    def _cancel(self, piece: Piece, _: int) -> None:
        if not refused(uncancellable(piece), lambda: cancel_credit(piece.id, {"reason": "Typo"}, LOCAL)):
            piece.status = Status.CANCELLED

    def _correct(self, piece: Piece, _: int) -> None:
        values = {**piece.values, "vintage": str(piece.vintage + 1)}
        expected, before = uncancellable(piece), piece.status
        if not expected:
            piece.status = Status.CANCELLED
            expected = self.why_held(piece.serial, piece.numbers)
        answers: list[str] = []

        def correct() -> None:
            answers.append(correct_credit(piece.id, values, {"reason": "Typo"}, LOCAL).credit_id)

        if refused(expected, correct):
            piece.status = before
        else:
            new = Piece(answers[0], piece.quantity_e4, piece.serial, piece.numbers, vintage=piece.vintage + 1)
            self.pieces.append(new)
            piece.replacement = new

    def assert_agrees(self) -> None:
        """Compare every credit and the totals; each tonne is counted once."""
        totals = summaries.ledger_totals().ledger
        for status in HOLDING:
            mine = [p.quantity_e4 for p in self.pieces if p.status is status]
            assert totals[status] == Sum(len(mine), sum(mine))
        recorded = sum(p.quantity_e4 for p in self.pieces if p.parent is None)
        ended = (Status.CANCELLED, Status.WITHDRAWN)
        uncounted = sum(p.quantity_e4 for p in self.pieces if p.status in ended)
        assert totals.all.quantity_e4 == recorded - uncounted
        for piece in self.pieces:
            found = queries.credit(piece.id)
            assert (found.status, found.quantity_e4) == (piece.status, piece.quantity_e4)
            assert found.buyer == piece.buyer
        with reading() as connection:
            held = connection.execute(
                select(serial_blocks.c.first, serial_blocks.c.last).where(serial_blocks.c.is_held == 1)
            ).all()
        assert sorted(map(tuple, held)) == sorted(p.held for p in self.pieces if p.held)


def uncancellable(piece: Piece) -> type[LedgerError] | None:
    if piece.status is Status.SOLD:
        return AlreadySold
    return ENDED.get(piece.status)


def irreversible(piece: Piece) -> type[LedgerError] | None:
    return ActionNotAllowed if piece.status is Status.ACTIVE else ENDED.get(piece.status)


def refused(expected: type[LedgerError] | None, act: Callable[[], object]) -> bool:
    """Return whether the action was refused. It must be refused exactly if expected."""
    met: type[LedgerError] | None = None
    try:
        act()
    except LedgerError as refusal:
        met = type(refusal)
    assert met is expected
    return met is not None


def play(database_url: str, sequence: list[Act], clock: SetClock) -> tuple[Any, ...]:
    model = Model()
    with opened(database_url):
        for act in sequence:
            clock.go(seconds=7)
            model.perform(act)
        model.assert_agrees()
        assert_sound()
        return list(list_events(limit=500).items), derived(), digest()


@pytest.mark.random
@settings(max_examples=cases(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=acts)
def test_random_actions_on_lots_keep_every_tonne_and_give_the_same_history_on_both_databases(
    sequence: list[Act], make_database: MakeDatabase, set_clock: SetClock
) -> None:
    started = set_clock.moment
    histories: list[Any] = []
    for dialect in DIALECTS:
        set_clock.moment = started
        histories.append(play(make_database(dialect), sequence, set_clock))
    assert histories[0] == histories[1]
