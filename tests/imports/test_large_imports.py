"""Jobs of large imports: leases, stopping and resuming, and what moves in the ledger meanwhile."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from tests.fixtures.clock import SetClock
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import a_user
from tests.imports.large_files import (
    DECISION,
    csv_of,
    planned,
    received,
    recorded_in_background,
    rows_of_blocks,
    steps,
    worked_on,
)
from tests.imports.plans import row, status_of_numbers
from webapp.accounts import users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.roles import Role
from webapp.authorization import may_still_record
from webapp.domain.errors import ImportNotOpen, InvalidFields
from webapp.imports import jobs, views
from webapp.imports.abandoned import GIVEN_UP
from webapp.imports.background import (
    chunk_recording,
    file_reading,
    grouping,
    job,
    large_imports,
    planning,
    runner,
)
from webapp.imports.background.chunk_plan import ChunkSummary
from webapp.imports.background.chunk_recording import NAMES_CHANGED, NOT_PERMITTED
from webapp.imports.background.job import Decision, JobView, Phase
from webapp.ledger import registries
from webapp.ledger.background.leases import LEASE_S, LeaseLost
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_chunks, import_file_parts, import_source_rows

pytestmark = pytest.mark.usefixtures("ledger_app")

ROWS = rows_of_blocks(40)
FILE = csv_of(ROWS)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 10)


def begun(chunks: int, content: bytes = FILE) -> int:
    """Plan a file, record some chunks of it, and leave it to whom it belongs."""
    import_id = planned(content).id
    large_imports.record(import_id, DECISION)
    steps(import_id, chunks).release()
    return import_id


def chunk_sizes(import_id: int) -> list[int]:
    query = select(func.length(import_chunks.c.places)).where(import_chunks.c.import_id == import_id)
    with reading() as connection:
        return [size // 4 for size in connection.scalars(query.order_by(import_chunks.c.number))]


def test_what_is_staged_is_deleted_when_the_import_is_over() -> None:
    recorded_in_background(planned(FILE).id)
    with reading() as connection:
        for table in (import_file_parts, import_source_rows, import_chunks):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_each_chunk_is_committed_with_its_checkpoint() -> None:
    view = views.find(begun(2))
    assert (view.state, view.written) == ("writing", 20)
    assert view.job
    assert (view.job.phase, view.job.chunks_recorded, view.job.rows_done) == (Phase.RECORDING, 2, 20)
    assert len(status_of_numbers()) == 200


def test_rows_that_name_the_same_numbers_are_in_one_chunk_however_many_they_are() -> None:
    issued = [["Project 9", "VCS", "2021", "100", "GS1-1-KE-GS9-16-2021-3-1-100", "Active", "", ""]]
    retired = [
        ["Project 9", "VCS", "2021", "1", f"GS1-1-KE-GS9-16-2021-3-{n}-{n}", "Retired", "", ""]
        for n in range(1, 31)
    ]
    import_id = planned(csv_of([*issued, *ROWS[:25], *retired])).id
    assert sorted(chunk_sizes(import_id)) == [5, 10, 10, 31]
    recorded_in_background(import_id)
    found = status_of_numbers(row(1, 1, series="GS1-1-KE-GS9-16-2021-3"))
    assert (found[30], found[31], found[100]) == ("RETIRED", "ACTIVE", "ACTIVE")


def test_a_job_is_left_to_its_owner_until_its_lease_runs_out(set_clock: SetClock) -> None:
    import_id = planned(FILE).id
    large_imports.record(import_id, DECISION)
    steps(import_id, 1, "the process that is killed")
    set_clock.go(seconds=LEASE_S - 1)
    assert job.claim("another", import_id) is None
    set_clock.go(seconds=2)
    assert job.claim("another", import_id)


def test_another_process_goes_on_at_the_checkpoint(set_clock: SetClock) -> None:
    import_id = planned(FILE).id
    large_imports.record(import_id, DECISION)
    steps(import_id, 2, "the process that is killed")
    set_clock.go(seconds=LEASE_S + 1)
    done = worked_on(import_id)
    assert (done.state, done.written) == ("done", 40)
    assert len(status_of_numbers()) == 400


def test_an_owner_whose_job_was_taken_over_records_nothing_more(set_clock: SetClock) -> None:
    import_id = planned(FILE).id
    large_imports.record(import_id, DECISION)
    slow = steps(import_id, 1, "slow")
    set_clock.go(seconds=LEASE_S + 1)
    assert job.claim("another", import_id)
    with pytest.raises(LeaseLost):
        runner.step(slow)
    assert views.find(import_id).written == 10


def test_a_file_whose_receiving_was_cut_off_fails(
    set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(large_imports, "_store", killed)
        with pytest.raises(KeyboardInterrupt):
            received(FILE)
    (view,) = views.list_imports()
    set_clock.go(seconds=LEASE_S + 1)
    failed = worked_on(view.id)
    assert (failed.state, failed.message) == ("failed", "The file was not received to its end.")


def test_stopping_keeps_what_is_recorded_and_says_so() -> None:
    import_id = begun(2)
    large_imports.cancel(import_id, LOCAL)
    stopped = views.find(import_id)
    assert (stopped.state, stopped.written) == ("cancelled", 20)
    assert stopped.job
    assert stopped.job.can_resume


def test_a_resumed_import_records_the_rest_once() -> None:
    import_id = begun(2)
    large_imports.cancel(import_id, LOCAL)
    large_imports.resume(import_id, LOCAL)
    done = worked_on(import_id)
    assert (done.state, done.written) == ("done", 40)
    assert len(status_of_numbers()) == 400


def test_an_import_that_is_cancelled_before_it_is_recorded_cannot_be_resumed() -> None:
    import_id = planned(FILE).id
    large_imports.cancel(import_id, LOCAL)
    assert worked_on(import_id).state == "cancelled"
    with pytest.raises(ImportNotOpen):
        large_imports.resume(import_id, LOCAL)


def test_it_stops_before_a_chunk_whose_plan_changed_and_asks_again() -> None:
    import_id = begun(2)
    jobs.import_now(csv_of(ROWS[25:27]), "other.csv", LOCAL, ignore_unknown=True)
    asked = worked_on(import_id)
    assert (asked.state, asked.written) == ("checked", 20)
    assert asked.message
    assert "new: 7 before, 5 now" in asked.message
    assert asked.summary.kinds["existing"]["rows"] == 2
    done = recorded_in_background(import_id)
    assert (done.state, done.written, done.message) == ("done", 38, None)


def stopped_by_another(import_id: int) -> int:
    """Record credits of the rest of a file, so that its import stops and plans the rest again."""
    jobs.import_now(csv_of(ROWS[25:27]), "other.csv", LOCAL, ignore_unknown=True)
    steps(import_id, 1)
    assert job_of(import_id).phase is Phase.PLANNING
    return import_id


def job_of(import_id: int) -> JobView:
    found = views.find(import_id).job
    assert found
    return found


def entries(raw: RawClient, import_id: int) -> list[dict[str, str]]:
    """Return what the log says of an import: at its beginning, and at each end of its recording."""
    bodies = [json.loads(body) for (body,) in raw.execute("SELECT body FROM events WHERE subject < 0")]
    return [body["data"] for body in bodies if body["subject"] == f"import/{import_id}"]


def test_a_plan_of_the_rest_that_nobody_saw_is_not_recorded_by_a_resume(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_id = stopped_by_another(begun(2))
    with monkeypatch.context() as patch:
        patch.setattr(planning, "_conclude", lambda *_arguments: None)
        steps(import_id, 1)
    large_imports.cancel(import_id, LOCAL)
    large_imports.resume(import_id, LOCAL)
    asked = worked_on(import_id)
    assert (asked.state, asked.written) == ("checked", 20)
    assert recorded_in_background(import_id).written == 38


def test_an_import_that_asks_again_can_be_stopped_and_resumed(raw: RawClient) -> None:
    import_id = stopped_by_another(begun(2))
    worked_on(import_id)
    large_imports.cancel(import_id, LOCAL)
    assert [entry["rows"] for entry in entries(raw, import_id)] == ["40", "20"]
    large_imports.resume(import_id, LOCAL)
    worked_on(import_id)
    assert recorded_in_background(import_id).written == 38


def test_an_import_that_is_recorded_in_part_keeps_its_options() -> None:
    import_id = stopped_by_another(begun(2))
    before = worked_on(import_id)
    with pytest.raises(InvalidFields, match="A part of this file is recorded"):
        large_imports.change(import_id, replace(before.options, is_compare_only=True), LOCAL)
    assert views.find(import_id) == before


def test_a_bug_in_the_middle_is_an_end_in_the_log_as_well(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = begun(2)
    with monkeypatch.context() as patch:
        patch.setattr(chunk_recording, "record_events", lambda *_arguments: 1 / 0)
        steps(import_id, 1)
    stopped = views.find(import_id)
    assert (stopped.state, stopped.written, job_of(import_id).can_resume) == ("cancelled", 20, True)
    assert [entry["rows"] for entry in entries(raw, import_id)] == ["40", "20"]


def test_a_bug_after_the_end_changes_nothing_of_what_was_said(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = begun(5)
    monkeypatch.setattr(file_reading, "clean", lambda *_arguments: 1 / 0)
    assert worked_on(import_id).state == "done"
    assert [entry["rows"] for entry in entries(raw, import_id)] == ["40", "40"]


def test_nobody_decides_for_a_week_about_an_import_recorded_in_part(
    raw: RawClient, set_clock: SetClock
) -> None:
    import_id = stopped_by_another(begun(2))
    worked_on(import_id)
    set_clock.go(days=8)
    received(FILE)
    given_up = views.find(import_id)
    assert (given_up.state, given_up.message) == ("cancelled", GIVEN_UP)
    assert job_of(import_id).can_resume
    assert [entry["rows"] for entry in entries(raw, import_id)] == ["40", "20"]


def test_the_week_to_decide_begins_when_it_asks(set_clock: SetClock) -> None:
    import_id = begun(2)
    set_clock.go(days=8)
    worked_on(stopped_by_another(import_id))
    received(FILE)
    assert views.find(import_id).state == "checked"


def test_a_stopped_import_can_be_resumed_for_a_week_after_it_was_stopped(set_clock: SetClock) -> None:
    import_id = begun(2)
    set_clock.go(days=8)
    large_imports.cancel(import_id, LOCAL)
    received(FILE)
    assert job_of(import_id).can_resume
    set_clock.go(days=8)
    received(FILE)
    assert not job_of(import_id).can_resume


def test_registries_that_are_joined_meanwhile_put_their_rows_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 1)
    rows = [
        ["Z", "GS", "2021", "1", "XQ-9", "Active", "", ""],
        ["P", "GS", "2021", "10", "XQ-1", "Active", "", ""],
        ["Q", "GS", "2021", "1", "XQ-7", "Active", "", ""],
        ["P", "Gold Standard", "2021", "10", "XQ-1", "Retired", "", "Acme"],
    ]
    import_id = begun(1, csv_of(rows))
    registries.join_names({"registry": "GS", "alias": "Gold Standard"}, LOCAL)
    asked = worked_on(import_id)
    assert (asked.state, asked.written, asked.message) == ("checked", 1, NAMES_CHANGED)
    assert chunk_sizes(import_id) == [1, 2, 1]
    whole = jobs.receive(csv_of(rows), "small.csv", LOCAL).import_id
    assert recorded_in_background(import_id).written == 1 + views.find(whole).new


def test_the_plan_of_a_chunk_is_read_a_few_times_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 1)
    without_number = ["Project 1", "VCS", "2021", "10", "", "Active", "", ""]
    import_id = planned(csv_of([*ROWS, without_number])).id
    read: list[str] = []
    from_json = ChunkSummary.from_json

    def counted(text: str) -> ChunkSummary:
        read.append(text)
        return from_json(text)

    monkeypatch.setattr(ChunkSummary, "from_json", staticmethod(counted))
    assert recorded_in_background(import_id).written == 40
    assert len(read) < 5 * 41


def test_a_decision_that_is_made_before_stops_at_rows_with_problems() -> None:
    bad = [*ROWS, ["Project 1", "VCS", "1812", "10", "", "Active", "", ""]]
    import_id = received(csv_of(bad), decision=Decision(LOCAL, how_to_skip="Leave them out."))
    failed = worked_on(import_id)
    assert (failed.state, failed.written) == ("failed", 0)
    assert failed.message == ("Nothing was written: some rows are invalid or in conflict. Leave them out.")


def test_a_file_that_is_not_a_table_fails_with_the_reason() -> None:
    failed = worked_on(received(b'{"a": 1}\n{"a": \n'))
    assert failed.state == "failed"
    assert failed.message
    assert failed.message.startswith("Row 2: ")


def test_every_event_names_the_import(raw: RawClient) -> None:
    import_id = recorded_in_background(planned(FILE).id).id
    named = [body for (body,) in raw.execute("SELECT body FROM events WHERE subject > 0")]
    assert len(named) == 54
    assert all(f'"import":"{import_id}"' in body for body in named)


def test_it_stops_when_the_person_who_confirmed_it_may_not_record_any_more() -> None:
    import_id = planned(FILE).id
    user = a_user("Oscar", Role.OPERATOR)
    large_imports.record(import_id, replace(DECISION, actor=f"user:{user.id}"))
    lease = steps(import_id, 1)
    users.disable(user.id, CLI)
    runner.step(lease, may_still_record)
    lease.release()
    stopped = views.find(import_id)
    assert (stopped.state, stopped.written, stopped.message) == ("cancelled", 10, NOT_PERMITTED)
    large_imports.resume(import_id, CLI)
    assert worked_on(import_id).written == 40
