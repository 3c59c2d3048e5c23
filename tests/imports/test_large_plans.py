"""A file has the same plan in chunks as in one piece, and what is recorded is what was planned."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from tests.fixtures.random_cases import cases
from tests.imports.large_files import (
    COLUMNS,
    csv_of,
    planned,
    random_rows,
    recorded_in_background,
    rows_of_blocks,
    worked_on,
)
from tests.imports.test_workbook import lines, workbook_of
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs, views
from webapp.imports.background import grouping, large_imports, staged_rows
from webapp.imports.options import ImportOptions, Where
from webapp.imports.plan import WRITING, Kind
from webapp.imports.readers.source import ReadAs
from webapp.imports.views import ImportView

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 5)


def whole(content: bytes, options: ImportOptions | None = None) -> ImportView:
    """Plan a file in one piece."""
    return views.find(jobs.receive(content, "small.csv", LOCAL, options=options).import_id)


def said(view: ImportView) -> dict[str, object]:
    """Return what the plan of an import says, in an order that does not depend on the chunks."""
    rows = views.rows(view.id, limit=10_000)
    problems = views.problems(view.id, limit=10_000)
    return {
        "kinds": view.summary.kinds,
        "counts": (view.total, view.new, view.existing, view.conflicting, view.invalid),
        "undated": view.summary.undated,
        "notes": view.summary.row_notes,
        "unknown": view.not_recorded,
        "rows": sorted((row.row, row.kind, row.quantity_e4, row.detail) for row in rows),
        "problems": sorted((each.row, each.field, each.message) for each in problems),
    }


@pytest.mark.random
@pytest.mark.parametrize("seed", range(cases(1)))
def test_random_files_have_the_same_plan_in_chunks_and_are_recorded_as_planned(
    ledger_app: Flask, seed: int
) -> None:
    for number in range(4):
        rows = random_rows(60, 100 * seed + number)
        options = [
            None,
            ImportOptions(as_additional=True),
            ImportOptions(where=Where("country", "Kenya")),
            ImportOptions(is_compare_only=True),
        ][number]
        content = csv_of(rows)
        in_one, in_chunks = whole(content, options), planned(content, options)
        assert said(in_chunks) == said(in_one)
        done = recorded_in_background(in_chunks.id)
        assert done.state == "done"
        assert done.written == in_one.new
        again = whole(content, options)
        # A row that was equal to another may have facts that the other had not.
        assert not set(again.summary.kinds) & (set(map(str, WRITING)) - {Kind.ADDS_FACTS})
    verified = ledger_app.test_cli_runner().invoke(args=["verify"])
    assert verified.exit_code == 0, verified.output


def workbook(rows: list[list[str]]) -> bytes:
    return workbook_of(lines(["Holdings of Acme"], [], list(COLUMNS), *rows))


def json_array(rows: list[list[str]]) -> bytes:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]).encode()


def json_in_an_object(rows: list[list[str]]) -> bytes:
    credits = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return json.dumps({"count": len(rows), "credits": credits}, indent=1).encode("utf-16")


@pytest.mark.parametrize("written", [workbook, json_array, json_in_an_object])
def test_each_kind_of_file_has_the_same_plan_in_chunks_and_is_recorded_as_planned(
    written: Callable[[list[list[str]]], bytes],
) -> None:
    content = written(random_rows(60, 7))
    in_one, in_chunks = whole(content), planned(content)
    assert said(in_chunks) == said(in_one)
    done = recorded_in_background(in_chunks.id)
    assert (done.state, done.written) == ("done", in_one.new)


def test_a_large_workbook_is_read_again_with_the_sheet_that_a_person_chooses() -> None:
    rows = rows_of_blocks(20)
    content = workbook_of(lines(list(COLUMNS), *rows[:5]), lines(list(COLUMNS), *rows[5:]))
    import_id = planned(content).id
    file = large_imports.file_of(import_id)
    assert file
    assert (file.source.sheet, list(file.source.sheets)) == ("Sheet 1", ["Sheet 1", "Sheet 2"])
    large_imports.change(import_id, ImportOptions(read_as=ReadAs(sheet="Sheet 2")), LOCAL)
    assert worked_on(import_id).total == 15


def test_rows_that_are_very_long_are_worked_on_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_rows, "CHARACTERS_AT_ONCE", 3_000)
    monkeypatch.setattr(staged_rows, "LEAST_AT_ONCE", 1)
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 250)
    rows = rows_of_blocks(12)
    rows[3][-1] = "A" * 1_000
    content = csv_of(rows)
    in_one, in_chunks = whole(content), planned(content)
    assert in_chunks.job
    assert in_chunks.job.chunks == 6
    assert said(in_chunks) == said(in_one)
