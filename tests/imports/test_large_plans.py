"""A file has the same plan in chunks as in one piece, and what is recorded is what was planned."""

import pytest
from flask import Flask

from tests.imports.large_files import (
    csv_of,
    planned,
    random_rows,
    recorded_in_background,
)
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs, views
from webapp.imports.background import grouping
from webapp.imports.options import ImportOptions, Where
from webapp.imports.plan import WRITING, Kind
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


@pytest.mark.parametrize("seed", range(3))
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
        ][number if seed else 0]
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
