"""Random acts on lots against a simple model, and the same acts on both databases."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.ledger.soundness import assert_sound, derived
from tests.ledger.tampering import digest
from webapp.domain.credits import parse_credit
from webapp.domain.errors import (
    AlreadyCancelled,
    AlreadyRetired,
    AlreadySold,
    AlreadySplit,
    BlockHeld,
    CancelledBefore,
    InvalidFields,
    NotCancellable,
    Refusal,
)
from webapp.domain.fields import E4, quantity_text
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger import queries
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import (
    Acted,
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    sell_credit,
    split_credit,
)
from webapp.ledger.lists import list_events
from webapp.ledger.queries import Sum

# Two blocks that overlap, a plain serial number, and none. Tonnes, serial number, block.
ROOTS: list[tuple[str, str | None, tuple[int, int] | None]] = [
    ("10", "ACR-X-2025-1 to 10", (1, 10)),
    ("10", "acr-x-2025-6 TO 15", (6, 15)),
    ("7.5", "S-1", None),
    ("3", None, None),
]
Act = tuple[str, int, float]
acts = st.lists(
    st.tuples(
        st.sampled_from("create create split sell part retire cancel correct".split()),
        st.integers(0, 12),
        st.sampled_from([0.5, 1, 2, 3, 4.5, 7, 12]),
    ),
    max_size=25,
)
ENDED: dict[Status, type[Refusal]] = {
    Status.RETIRED: AlreadyRetired,
    Status.SPLIT: AlreadySplit,
    Status.CANCELLED: AlreadyCancelled,
}


def values_of(number: int, vintage: int = 2020) -> dict[str, object]:
    quantity, serial, _ = ROOTS[number]
    return a_credit(quantity=quantity, serial_number=serial, vintage=str(vintage), registry="ACR")


@dataclass
class Piece:
    """A credit of the model: which root it is of, where it lies in it, and what it is."""

    id: str
    root: int
    start_e4: int
    quantity_e4: int
    is_lot: bool = False
    is_correction: bool = False
    status: Status = Status.ACTIVE

    @property
    def block(self) -> tuple[int, int] | None:
        whole = ROOTS[self.root][2]
        first = whole and whole[0] + self.start_e4 // E4
        return first and (first, first + self.quantity_e4 // E4 - 1)  # type: ignore[return-value]


@dataclass
class Model:
    """What the ledger promises, with every tonne in one piece."""

    pieces: list[Piece] = field(default_factory=list)

    def perform(self, act: Act) -> None:
        """Do the act to the model and to the ledger; both must agree on a refusal."""
        kind, number, tonnes = act
        if kind == "create":
            self._create(number % len(ROOTS))
        elif self.pieces:
            piece = self.pieces[number % len(self.pieces)]
            {
                "split": self._split,
                "sell": self._sell,
                "part": self._retire_part,
                "retire": self._retire,
                "cancel": self._cancel,
                "correct": self._correct,
            }[kind](piece, round(tonnes * E4))

    def is_free(self, root: int, but: Piece | None = None) -> bool:
        own = ROOTS[root][2]
        held = [p.block for p in self.pieces if p.status in COUNTED and p is not but]
        return not any(own and block and own[0] <= block[1] and block[0] <= own[1] for block in held)

    def _create(self, root: int) -> None:
        credit_id = parse_credit(values_of(root)).id
        known = next((p for p in self.pieces if p.id == credit_id), None)
        expected: type[Refusal] | None = None
        if known and known.status is Status.CANCELLED:
            expected = CancelledBefore
        elif not known and not self.is_free(root):
            expected = BlockHeld
        if refused(expected, lambda: create_credit(values_of(root), LOCAL)) or known:
            return
        self.pieces.append(Piece(credit_id, root, 0, parse_credit(values_of(root)).quantity_e4))

    def _split(self, piece: Piece, part_e4: int) -> None:
        rest_e4 = piece.quantity_e4 - part_e4
        expected = ENDED.get(piece.status)
        if rest_e4 <= 0 or (expected is None and piece.block and part_e4 % E4):
            expected = InvalidFields if rest_e4 <= 0 else expected or InvalidFields
        quantities = {"quantities": [quantity_text(part_e4), quantity_text(max(rest_e4, 0))]}
        made = refused(expected, lambda: split_credit(piece.id, quantities, LOCAL))
        if not expected:
            self._part(piece, part_e4, *split_ids(piece))
        assert made is bool(expected)

    def _part(self, piece: Piece, part_e4: int, part_id: str, rest_id: str) -> Piece:
        rest_e4 = piece.quantity_e4 - part_e4
        part = Piece(part_id, piece.root, piece.start_e4, part_e4, is_lot=True, status=piece.status)
        rest = Piece(rest_id, piece.root, piece.start_e4 + part_e4, rest_e4, is_lot=True, status=piece.status)
        self.pieces += [part, rest]
        piece.status = Status.SPLIT
        return part

    def _sell(self, piece: Piece, _: int) -> None:
        expected = AlreadySold if piece.status is Status.SOLD else ENDED.get(piece.status)
        if not refused(expected, lambda: sell_credit(piece.id, {"buyer": "Acme"}, LOCAL)):
            piece.status = Status.SOLD

    def _retire(self, piece: Piece, _: int) -> None:
        if not refused(ENDED.get(piece.status), lambda: retire_credit(piece.id, {}, LOCAL)):
            piece.status = Status.RETIRED

    def _retire_part(self, piece: Piece, part_e4: int) -> None:
        expected = ENDED.get(piece.status)
        is_split = part_e4 != piece.quantity_e4
        if expected is None and is_split and (part_e4 > piece.quantity_e4 or (piece.block and part_e4 % E4)):
            expected = InvalidFields
        answers: list[Acted] = []
        values = {"quantity": quantity_text(part_e4)}
        if refused(expected, lambda: answers.append(retire_credit(piece.id, values, LOCAL))):
            return
        (acted,) = answers
        whole = self._part(piece, part_e4, acted.credit_id, str(acted.rest_id)) if is_split else piece
        whole.status = Status.RETIRED

    def _cancel(self, piece: Piece, _: int) -> None:
        if not refused(uncancellable(piece), lambda: cancel_credit(piece.id, {"reason": "Typo"}, LOCAL)):
            piece.status = Status.CANCELLED

    def _correct(self, piece: Piece, _: int) -> None:
        values = values_of(piece.root, 2021)
        answers: list[str] = []
        correct = lambda: answers.append(correct_credit(piece.id, values, {"reason": "Typo"}, LOCAL))  # noqa: E731
        # Every correction says the same here, so one of a correction would change nothing.
        expected = uncancellable(piece) or (InvalidFields if piece.is_correction else None)
        if not refused(expected, correct):
            piece.status = Status.CANCELLED
            self.pieces.append(Piece(answers[0], piece.root, 0, piece.quantity_e4, is_correction=True))

    def assert_agrees(self) -> None:
        """Compare every credit and the totals; each tonne is counted once."""
        totals = queries.ledger_totals().ledger
        for status in COUNTED:
            mine = [p.quantity_e4 for p in self.pieces if p.status is status]
            assert totals[status] == Sum(len(mine), sum(mine))
        roots = [p for p in self.pieces if not p.is_lot]
        recorded = sum(p.quantity_e4 for p in roots)
        cancelled = sum(p.quantity_e4 for p in roots if p.status is Status.CANCELLED)
        assert totals.all.quantity_e4 == recorded - cancelled
        for piece in self.pieces:
            found = queries.credit(piece.id)
            assert (found.status, found.quantity_e4) == (piece.status, piece.quantity_e4)


def split_ids(piece: Piece) -> tuple[str, str]:
    first, second = (lot.id for lot in queries.record(piece.id).relations.lots)
    return first, second


def uncancellable(piece: Piece) -> type[Refusal] | None:
    if piece.status is Status.SOLD:
        return AlreadySold
    return ENDED.get(piece.status) or (NotCancellable if piece.is_lot else None)


def refused(expected: type[Refusal] | None, act: Callable[[], object]) -> bool:
    """Say whether the act was refused, which it must be exactly as expected."""
    met: type[Refusal] | None = None
    try:
        act()
    except Refusal as refusal:
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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=acts)
def test_any_acts_on_lots_keep_every_tonne_and_leave_the_same_history_on_both_databases(
    sequence: list[Act], make_database: MakeDatabase, set_clock: SetClock
) -> None:
    started = set_clock.moment
    histories: list[Any] = []
    for dialect in DIALECTS:
        set_clock.moment = started
        histories.append(play(make_database(dialect), sequence, set_clock))
    assert histories[0] == histories[1]
