import json
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.entries import credit_events
from webapp.accounts.actors import LOCAL
from webapp.config import ROOT
from webapp.domain.credit import parse_credit
from webapp.domain.errors import ImportNotOpen, UnknownImport, UnreadableFile
from webapp.domain.lifecycle import Status
from webapp.imports import import_facts, jobs, views
from webapp.imports.views import ImportView, State
from webapp.ledger import listing, summaries
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

SAMPLE = (ROOT / "sample-registry.json").read_bytes()
REAL = (Path(__file__).parent.parent / "data" / "real-credits-excerpt.json").read_bytes()


def received(*rows: object) -> int:
    return jobs.receive(json.dumps(rows).encode(), "credits.json", LOCAL).import_id


def written(import_id: int, *, skip_invalid: bool = False, ignore_unknown: bool = False) -> ImportView:
    return jobs.write(import_id, skip_invalid=skip_invalid, ignore_unknown=ignore_unknown, actor=LOCAL).view


def counts(view: ImportView) -> tuple[int, int, int, int]:
    return view.new, view.existing, view.conflicting, view.invalid


def credits_held() -> int:
    return summaries.ledger_totals().ledger.all.credits


def test_receiving_a_file_writes_nothing_to_the_ledger() -> None:
    jobs.receive(SAMPLE, "sample.json", LOCAL)
    assert credits_held() == 0


def test_a_received_file_says_what_would_happen() -> None:
    view = views.find(jobs.receive(SAMPLE, "sample.json", LOCAL).import_id)
    assert (view.state, view.total, *counts(view)) == (State.CHECKED, 10, 10, 0, 0, 0)


def test_the_sample_is_recorded_in_the_order_of_its_rows() -> None:
    written(jobs.receive(SAMPLE, "sample.json", LOCAL).import_id)
    names = [credit.project_name for credit in listing.list_credits(CreditFilter()).items]
    assert names == [row["project_name"] for row in reversed(json.loads(SAMPLE))]


def test_real_blocks_are_recorded_whole() -> None:
    view = written(jobs.receive(REAL, "real.json", LOCAL).import_id)
    assert (view.state, view.written) == (State.DONE, len(json.loads(REAL)))
    assert credits_held() == view.written


def test_the_same_file_again_records_nothing_new() -> None:
    written(jobs.receive(SAMPLE, "sample.json", LOCAL).import_id)
    view = written(jobs.receive(SAMPLE, "sample.json", LOCAL).import_id)
    assert (view.state, view.written, *counts(view)) == (State.DONE, 0, 0, 10, 0, 0)
    assert credits_held() == 10


def test_a_row_equal_to_an_earlier_row_is_existing() -> None:
    view = views.find(received(a_credit(), a_credit(registry=" vcs ")))
    assert counts(view) == (1, 1, 0, 0)


def test_a_row_with_the_serial_number_of_an_earlier_row_is_in_conflict() -> None:
    import_id = received(a_credit(), a_credit(quantity="2"))
    (problem,) = views.problems(import_id)
    assert counts(views.find(import_id)) == (1, 0, 1, 0)
    assert (problem.row, problem.field, problem.holder) == (2, "serial_number", None)
    assert "Row 1" in problem.message


def test_a_conflict_with_the_ledger_names_the_holder() -> None:
    holder = recorded()
    (problem,) = views.problems(received(a_credit(quantity="2")))
    assert problem.holder == holder


def test_an_invalid_row_does_not_claim_its_serial() -> None:
    view = views.find(received(a_credit(vintage="x"), a_credit()))
    assert counts(view) == (1, 0, 0, 1)


def test_problems_name_row_and_field_in_order() -> None:
    import_id = received(a_credit(), {"registry": "x"}, 7)
    assert [(problem.row, problem.field) for problem in views.problems(import_id)] == [
        (2, "project_name"),
        (2, "vintage"),
        (2, "quantity"),
        (3, ""),
    ]


def test_problems_can_be_read_in_pieces() -> None:
    import_id = received({}, {})
    all_of_them = views.problems(import_id)
    pieces = [problem for after in range(0, 8, 3) for problem in views.problems(import_id, after, 3)]
    assert pieces == all_of_them


def test_with_a_problem_nothing_is_written_and_the_import_stays_open() -> None:
    view = written(received(a_credit(), {}))
    assert (view.state, view.written, credits_held()) == (State.CHECKED, 0, 0)
    assert view.message


def test_rows_with_problems_can_be_left_out() -> None:
    view = written(received(a_credit(), {}), skip_invalid=True)
    assert (view.state, view.written, credits_held()) == (State.DONE, 1, 1)


def test_unknown_fields_must_be_confirmed() -> None:
    import_id = received(a_credit(colour="green"))
    assert views.find(import_id).not_recorded == ("colour",)
    assert written(import_id).state is State.CHECKED
    assert written(import_id, ignore_unknown=True).state is State.DONE


@pytest.mark.parametrize("status", ["SOLD", "RETIRED", "SPLIT", "CANCELLED"])
def test_a_record_of_ours_that_is_not_active_is_refused_in_another_ledger(status: str) -> None:
    given = a_credit(vintage="2023", quantity="100")
    row = {"id": parse_credit(given).id, **a_credit(vintage=2023, quantity=100), "status": status}
    import_id = received(row)
    (problem,) = views.problems(import_id)
    assert (problem.field, counts(views.find(import_id))) == ("status", (0, 0, 0, 1))
    assert "flask export" in problem.message


@pytest.mark.parametrize("is_held", [True, False])
def test_a_retired_row_of_another_program_is_recorded_as_retired(*, is_held: bool) -> None:
    if is_held:
        recorded()
    import_id = received(a_credit(status="RETIRED"))
    (row,) = views.rows(import_id)
    assert row.kind == ("retired" if is_held else "new_retired")
    written(import_id)
    (credit,) = listing.list_credits(CreditFilter()).items
    assert credit.status is Status.RETIRED


def test_a_plan_that_is_another_one_now_is_shown_and_asked_about_again() -> None:
    import_id = received(a_credit(), a_credit(serial_number="B"))
    recorded(quantity="2")
    view = written(import_id, skip_invalid=True)
    assert (view.state, view.written, *counts(view)) == (State.CHECKED, 0, 1, 0, 1, 0)
    assert view.message == "Nothing was written: the ledger has changed, and so has the plan. Check it again."
    assert written(import_id, skip_invalid=True).written == 1


def test_an_import_is_written_once() -> None:
    import_id = received(a_credit())
    written(import_id)
    with pytest.raises(ImportNotOpen, match="done"):
        written(import_id)


def test_two_people_who_confirm_at_once_write_it_once(ledger_app: Flask) -> None:
    import_id = jobs.receive(SAMPLE, "sample.json", LOCAL).import_id
    answers: list[object] = []

    def confirm() -> None:
        with ledger_app.app_context():
            try:
                answers.append(written(import_id).state)
            except ImportNotOpen as refusal:
                answers.append(refusal.state)

    threads = [Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["done"] * 4
    assert len(credit_events()) == 10


def test_a_cancelled_import_is_never_written() -> None:
    import_id = received(a_credit())
    jobs.cancel(import_id)
    with pytest.raises(ImportNotOpen, match="cancelled"):
        written(import_id)
    assert views.find(import_id).finished_at


def test_a_failed_import_says_why() -> None:
    rows = json.dumps([a_credit(vintage=1)]).encode()
    view = jobs.import_now(rows, "rows.json", LOCAL, how_to_skip="Leave it out.").view
    message = "Nothing was written: some rows are invalid or in conflict. The file has the columns: "
    assert (view.state, str(view.message).startswith(message)) == (State.FAILED, True)
    assert str(view.message).endswith(" Leave it out.")
    assert views.find(view.id) == view


def test_an_import_with_an_unknown_number_is_not_found() -> None:
    for act in (views.find, jobs.cancel, written):
        with pytest.raises(UnknownImport):
            act(99)


def test_an_unreadable_file_leaves_no_import() -> None:
    with pytest.raises(UnreadableFile):
        jobs.receive(b"[", "bad.json", LOCAL)
    assert views.list_imports() == []


def test_imports_are_listed_newest_first_in_pages() -> None:
    ids = [received(a_credit()) for _ in range(3)]
    first = views.list_imports(limit=2)
    rest = views.list_imports(before=first[-1].id, limit=2)
    assert [view.id for view in [*first, *rest]] == ids[::-1]


def test_the_rows_say_what_would_happen_to_each() -> None:
    holder = recorded()
    import_id = received(a_credit(), a_credit(quantity="2"), {}, a_credit(serial_number="B"))
    rows = views.rows(import_id)
    assert [(row.row, row.kind) for row in rows] == [
        (1, "existing"),
        (2, "conflicting"),
        (3, "invalid"),
        (4, "new"),
    ]
    assert [row.credit_id for row in rows[:2]] == [holder, holder]
    assert [row.row for row in views.rows(import_id, "invalid")] == [3]
    assert views.rows(import_id, after=rows[1].number, limit=1) == [rows[2]]


def test_a_written_import_keeps_its_refused_rows_and_not_its_file() -> None:
    import_id = received(a_credit(), {})
    view = written(import_id, skip_invalid=True)
    assert [row.kind for row in views.rows(import_id)] == ["invalid"]
    assert views.file_of(view) is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.json", "b.json"),
        ("", "unnamed"),
        ("a\x00\nb\u202e.json", "ab.json"),
        ("x" * 999, "x" * 200),
        ("\ud800.json", ".json"),
    ],
)
def test_a_file_name_is_reduced_to_printable_text(given: str, shown: str) -> None:
    assert import_facts.display_name(given) == shown
