"""Checks of the whole ledger in the background, and digests compared with it."""

from collections.abc import Callable

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import tamper
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import CheckedJustNow, InvalidFields, LedgerUnavailable
from webapp.ledger import digest_comparison, integrity
from webapp.ledger.audit import check_workers
from webapp.ledger.audit.check_process import Interrupted
from webapp.ledger.audit.digest import Digest, RunningDigest
from webapp.ledger.audit.findings import FindingKind, Progress, Report
from webapp.ledger.audit.verify import verify_alone
from webapp.ledger.background.leases import LEASE_S
from webapp.ledger.background.owners import owner_name
from webapp.ledger.digest_comparison import Outcome
from webapp.ledger.storage.engine import reading

pytestmark = pytest.mark.usefixtures("ledger_app")


def here(report: Report, progress: Progress, _is_stopping: Callable[[], bool]) -> Digest | None:
    """Check in this process, which is quicker than in another one."""
    return verify_alone(reading, report, progress, [])


def never() -> bool:
    return False


def checked() -> integrity.Check:
    """Ask for a check, run it, and return it."""
    started = integrity.start_check(LOCAL)
    assert integrity.work_on_next(owner_name(), never, here)
    return integrity.find_check(started.check_id)


def digest_of(positions: int, raw: RawClient) -> str:
    """Return the digest of the first events, as `flask verify` prints it."""
    running = RunningDigest()
    query = (
        "SELECT events.hash FROM feed JOIN events ON events.subject = feed.subject"
        " AND events.seq = feed.seq ORDER BY feed.position"
    )
    for (event_hash,) in raw.execute(query)[:positions]:
        running.add(bytes(event_hash).hex())
    return str(running.now())


@pytest.mark.slow
def test_a_check_in_its_own_process_says_that_nothing_is_wrong_and_gives_the_digest(raw: RawClient) -> None:
    sold()
    started = integrity.start_check(LOCAL)
    assert integrity.work_on_next(owner_name(), never)
    check = integrity.find_check(started.check_id)
    assert (check.state, check.events_all, check.failure) == ("sound", 2, None)
    assert str(check.digest) == digest_of(2, raw)


def test_the_progress_of_a_check_goes_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_workers, "_EVENTS_MIN", 2)
    monkeypatch.setattr(integrity, "_SAID_EVERY_S", 0)
    for number in range(12):
        recorded(serial_number=f"S-{number}")
    started = integrity.start_check(LOCAL)
    percents: list[int] = []

    def watched(report: Report, progress: Progress, _is_stopping: Callable[[], bool]) -> Digest | None:
        def seen(done: int) -> None:
            progress(done)
            percents.append(integrity.find_check(started.check_id).percent)

        return verify_alone(reading, report, seen, [])

    integrity.work_on_next(owner_name(), never, watched)
    assert percents == [22, 45, 67, 90, 90]
    assert integrity.find_check(started.check_id).percent == 100


def test_a_check_names_what_is_wrong_with_its_kind(raw: RawClient) -> None:
    recorded()
    tamper(raw, "UPDATE credit_states SET status = 'SOLD'")
    check = checked()
    assert check.state == "findings"
    assert {finding.kind for finding in check.shown} == {FindingKind.DERIVED}
    assert any(finding.wrong.startswith("table credit_states: status is SOLD") for finding in check.shown)


def test_one_check_at_a_time_and_a_pause_after_it(set_clock: SetClock) -> None:
    first = integrity.start_check(LOCAL)
    again = integrity.start_check(LOCAL)
    assert (again.check_id, again.is_new) == (first.check_id, False)
    assert integrity.work_on_next(owner_name(), never, here)
    assert not integrity.work_on_next(owner_name(), never, here)
    with pytest.raises(CheckedJustNow):
        integrity.start_check(LOCAL)
    set_clock.go(seconds=integrity.PAUSE_S + 1)
    assert integrity.start_check(LOCAL).is_new


def test_another_process_begins_again_what_a_process_gave_back_or_left(set_clock: SetClock) -> None:
    def stopped(_report: Report, _progress: Progress, _is_stopping: Callable[[], bool]) -> None:
        raise Interrupted

    def taken_over(report: Report, progress: Progress, is_stopping: Callable[[], bool]) -> Digest | None:
        set_clock.go(seconds=LEASE_S + 1)
        assert integrity.work_on_next("another process", never, here)
        return here(report, progress, is_stopping)

    started = integrity.start_check(LOCAL)
    integrity.work_on_next(owner_name(), never, stopped)
    assert integrity.find_check(started.check_id).state == "running"
    integrity.work_on_next(owner_name(), never, taken_over)
    assert [check.state for check in integrity.list_checks()] == ["sound"]


def test_a_check_whose_processes_keep_ending_fails() -> None:
    def killed(_report: Report, _progress: Progress, _is_stopping: Callable[[], bool]) -> None:
        raise Interrupted

    started = integrity.start_check(LOCAL)
    for _ in range(integrity.ATTEMPTS_MAX + 1):
        assert integrity.work_on_next(owner_name(), never, killed)
    assert integrity.find_check(started.check_id).state == "failed"


def test_a_check_that_the_database_interrupts_says_why() -> None:
    def unavailable(_report: Report, _progress: Progress, _is_stopping: Callable[[], bool]) -> None:
        raise LedgerUnavailable("The database does not answer.")

    started = integrity.start_check(LOCAL)
    integrity.work_on_next(owner_name(), never, unavailable)
    check = integrity.find_check(started.check_id)
    assert (check.state, check.failure) == ("failed", "The database does not answer.")


def test_only_the_newest_checks_are_kept(set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "KEPT", 2)
    numbers = []
    for _ in range(3):
        numbers.append(checked().id)
        set_clock.go(seconds=integrity.PAUSE_S + 1)
    assert [check.id for check in integrity.list_checks()] == numbers[:0:-1]


def test_a_digest_is_that_of_now_of_an_earlier_state_or_of_none(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_comparison, "_PART", 2)
    sold()
    early = digest_of(1, raw)
    sold(serial_number="VCS-0002")
    now = digest_of(4, raw)

    def outcome(text: str) -> tuple[Outcome, int | None]:
        compared = digest_comparison.compare(text)
        return compared.outcome, compared.position

    bare = early.splitlines()[1].removeprefix("digest: ")
    assert outcome(now) == (Outcome.EQUAL, 4)
    assert outcome(early) == outcome(f" {bare.upper()}\n") == (Outcome.EARLIER, 1)
    assert outcome(early.replace("events: 1", "events: 2")) == (Outcome.DIFFERENT, None)
    assert outcome(now.replace("events: 4", "events: 5")) == (Outcome.LONGER, None)
    assert outcome("0" * 64) == (Outcome.DIFFERENT, None)
    with pytest.raises(InvalidFields):
        digest_comparison.compare("no digest")
