"""Both cuts, `as_of` and `known_at`, say what a replay of the log says."""

import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection

from tests.fixtures.credits import acted, recorded_with_facts, sold
from tests.fixtures.ledger import RawClient
from tests.fixtures.random_cases import cases
from tests.ledger.audit.tampering import findings
from tests.ledger.replayed import Log, Sums
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import InvalidFields, LedgerError, LedgerUnavailable
from webapp.domain.lifecycle import EventType
from webapp.ledger import as_of, as_of_list, commands, standings
from webapp.ledger.as_of import Amount, Cut, Dimension, Where
from webapp.ledger.audit import standing_check
from webapp.ledger.storage.statements import Row, fetch

pytestmark = pytest.mark.usefixtures("ledger_app")

CELL: tuple[Dimension, ...] = (
    "registry", "project", "project_id", "vintage", "type", "party", "is_dated",
)  # fmt: skip
TODAY = date.today()  # noqa: DTZ011 - any day
PARTIES = ("Acme", "ACME", "Zoë", "")


class RandomHistory:
    """Does one random thing after another: some backdated, some amended, reversed, split or void."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.ids: list[str] = []
        self.count = 0

    def day(self) -> str:
        return (TODAY - timedelta(days=self.random.choice((0, 1, 30, 90, 365, 400)))).isoformat()

    def go(self) -> None:
        kinds = [self.create, self.amend, self.sell] * 3 + [self.reverse, self.split] * 2
        kinds += [self.retire, self.void, self.withdraw]
        with suppress(LedgerError):
            self.random.choice(kinds)()

    def create(self) -> None:
        self.count += 1
        names = ("acquired_on", "issued_on", "project_id")
        facts = {name: "P1" if name == "project_id" else self.day() for name in names if self.maybe()}
        self.ids.append(
            recorded_with_facts(
                facts,
                project_name=self.random.choice(("Wind", "Forest")),
                vintage=self.random.choice(("2019", "2020")),
                quantity="10",
                serial_number=f"S-{self.count}",
            )
        )

    def maybe(self) -> bool:
        return self.random.random() < 0.5

    def one(self) -> str:
        if not self.ids:
            self.create()
        return self.random.choice(self.ids[-12:])

    def sell(self) -> None:
        self.acted(commands.sell_credit, {"buyer": self.random.choice(PARTIES)})

    def retire(self) -> None:
        self.acted(commands.retire_credit, {"beneficiary": self.random.choice(PARTIES)})

    def reverse(self) -> None:
        self.acted(commands.reverse_sale, {"reason": "Too many"})

    def acted(self, command: object, values: dict[str, object]) -> None:
        values |= {"occurred_on": self.day()}
        values |= {"quantity": "3"} if self.maybe() else {}
        result = command(self.one(), values, LOCAL)  # type: ignore[operator]
        self.ids += [result.credit_id, *([result.rest_id] if result.rest_id else [])]

    def split(self) -> None:
        self.ids += commands.split_credit(self.one(), {"quantities": ["4", "6"]}, LOCAL).lot_ids

    def void(self) -> None:
        commands.cancel_credit(self.one(), {"reason": "Never issued"}, LOCAL)

    def withdraw(self) -> None:
        acted(self.one(), EventType.WITHDRAWN, {"occurred_on": self.day()} if self.maybe() else {})

    def amend(self) -> None:
        seq = self.random.choice((1, 2, 2, 3))
        values: dict[str, object] = {"amends": str(seq)}
        if seq == 1:
            name = self.random.choice(("acquired_on", "issued_on", "project_id"))
            values["facts"] = {name: self.random.choice(("", "P2" if name == "project_id" else self.day()))}
        elif self.maybe():
            values["occurred_on"] = self.day()
        else:
            values[self.random.choice(("buyer", "beneficiary"))] = self.random.choice(PARTIES)
        commands.amend_credit(self.one(), values, LOCAL)


def sums_of(amounts: list[Amount]) -> Sums:
    return {amount.of: (amount.credits, amount.quantity_e4) for amount in amounts}  # type: ignore[misc]


@pytest.mark.random
@pytest.mark.parametrize("seed", range(cases(2)))
@pytest.mark.slow
def test_both_cuts_of_a_random_history_equal_a_replay_of_the_log(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standings, "BATCH", 7)
    monkeypatch.setattr(as_of, "EPOCH", 50)
    monkeypatch.setattr(standings, "EPOCH", 50)
    history = RandomHistory(seed)
    cuts = []
    for number in range(150):
        history.go()
        if number % 15 == 0:
            cuts.append(as_of.cut())
    cuts.append(as_of.cut())
    monkeypatch.setattr(standing_check, "EPOCH", 50)
    assert findings() == []
    for known in cuts:
        log = Log(known.position)
        for days in (0, 1, 29, 30, 200, 365, 500):
            day = TODAY - timedelta(days=days)
            at = Cut(day.isoformat(), known.known_at, known.position, "UTC")
            assert sums_of(as_of.balances(at, CELL)) == log.balances(day)
            assert sums_of(as_of.movements(known, CELL, first_day=day.isoformat())) == log.movements(
                day, TODAY
            )


def test_an_answer_with_both_cuts_stays_the_same() -> None:
    history = RandomHistory(7)
    for _ in range(30):
        history.go()
    first = as_of.cut(TODAY.isoformat())
    balances = as_of.balances(first, CELL)
    for _ in range(30):
        history.go()
    again = as_of.cut(first.as_of, first.known_at)
    assert (again, as_of.balances(again, CELL)) == (first, balances)


def test_what_is_known_after_all_days_is_added_up_by_cell() -> None:
    history = RandomHistory(9)
    for _ in range(60):
        history.go()
    now = as_of.cut()
    far = Cut("2999-12-31", now.known_at, now.position, now.time_zone)
    assert as_of.balances(now, CELL) == as_of.balances(far, CELL)
    assert as_of.movements(now, CELL) == as_of.movements(far, CELL)


def test_movements_are_added_up_by_day_month_or_year() -> None:
    for number, day in enumerate(("2024-01-31", "2024-02-01", "2025-02-01")):
        recorded_with_facts({"acquired_on": day}, serial_number=f"S-{number}", quantity="2")
    now = as_of.cut()
    assert [(m.of, m.quantity_e4) for m in as_of.movements(now, ["type", "year"])] == [
        (("CREATED", "2024"), 40_000),
        (("CREATED", "2025"), 20_000),
    ]
    assert [m.of for m in as_of.movements(now, ["month"], first_day="2024-02-01")] == [
        ("2024-02",),
        ("2025-02",),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("as_of", "31.12.2026"),
        ("known_at", "yesterday"),
        ("known_at", "2026-01-01T25:00:00"),
        ("known_at", "9999-12-31"),
        ("known_at", "2999-01-01"),
        ("known_at", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_a_cut_that_is_none_is_refused_by_its_name(name: str, text: str) -> None:
    stated = dict.fromkeys(("as_of", "known_at"), "") | {name: text}
    with pytest.raises(InvalidFields) as refused:
        as_of.cut(stated["as_of"], stated["known_at"])
    assert [problem.field for problem in refused.value.problems] == [name]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-01", "2026-01-02T04:59:59.999999Z"),
        ("20260101", "2026-01-02T04:59:59.999999Z"),
        ("2026-07-01T12:00", "2026-07-01T16:00:00.000000Z"),
        ("2026-01-01 12:00:30", "2026-01-01T17:00:30.000000Z"),
        ("2026-01-01T12:00:00+01:00", "2026-01-01T11:00:00.000000Z"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000000Z"),
    ],
)
def test_a_time_without_a_zone_is_one_of_the_time_zone_of_reports(text: str, at: str) -> None:
    assert as_of.cut(known_at=text, time_zone="America/New_York").known_at == at


def test_a_day_ends_by_the_time_zone_of_reports() -> None:
    recorded_with_facts({}, serial_number="S-1")
    days = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):  # 25 hours apart
        (moved,) = as_of.movements(as_of.cut(time_zone=zone), ["day"])
        days[zone] = date.fromisoformat(str(moved.of[0]))
    assert days["Pacific/Kiritimati"] > days["Pacific/Niue"]


@pytest.mark.parametrize(
    ("edit", "wrong"),
    [
        (
            "UPDATE standings SET first_day = first_day - 1 WHERE step = 1",
            "table standings: its rows",
        ),
        ("DELETE FROM standings WHERE known_to IS NOT NULL", "table standings: its rows"),
        (
            "UPDATE standing_cells SET party_key = 'evil' WHERE type = 'SOLD'",
            "table standings: its rows",
        ),
        ("UPDATE day_sums SET entered_e4 = 7 WHERE went > 0", "it is not the sum of the standings"),
        ("UPDATE standing_cells SET entered = entered + 1", "its totals are not those of its days"),
        ("DELETE FROM day_sums", "it is not the sum of the standings"),
    ],
)
def test_verify_names_what_the_log_does_not_give(raw: RawClient, edit: str, wrong: str) -> None:
    sold(quantity="10")
    as_of.cut()
    assert findings() == []
    raw.execute(edit)
    assert any(wrong in finding for finding in findings())


def test_a_standby_answers_as_known_when_it_last_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LedgerUnavailable("read-only")

    sold(quantity="10")
    first = as_of.cut()
    sold(quantity="20", serial_number="S-2")
    monkeypatch.setattr(standings, "transact", refuse)
    assert as_of.cut() == first


# PostgreSQL scans small tables even if they have an index.
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_no_answer_reads_all_credits(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[str] = []

    def explained(connection: Connection, statement: str | dict[str, str], *values: object) -> Sequence[Row]:
        text = statement if isinstance(statement, str) else statement[dialect]
        plans.extend(str(row[3]) for row in fetch(connection, f"EXPLAIN QUERY PLAN {text}", *values))
        return fetch(connection, statement, *values)

    sold(quantity="10")
    now = as_of.cut()
    monkeypatch.setattr(as_of, "fetch", explained)
    monkeypatch.setattr(as_of_list, "fetch", explained)
    day = Cut(TODAY.isoformat(), now.known_at, now.position - 1, now.time_zone)
    of_party = Where(parties=("acme airlines",))
    as_of.balances(day, ["type"], of_party)
    as_of.movements(day, ["type", "year"], of_party)
    as_of_list.list_standings(day, of_party)
    as_of.balances(now, ["project"], Where(types=(EventType.CREATED,)))
    assert plans
    assert [
        plan for plan in plans if plan.startswith(("SCAN standings", "SCAN day_sums", "SCAN credits"))
    ] == []
