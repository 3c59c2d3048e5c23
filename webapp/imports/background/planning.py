"""The phase PLANNING: plan each chunk, and sum up what the file does against what the ledger holds."""

from collections import Counter
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, update

from webapp.imports import staging
from webapp.imports.background import chunk_plan, job
from webapp.imports.background.chunk_plan import ALL_KEPT, ROWS_KEPT, ChunkSummary, JobFile
from webapp.imports.background.job import Decision, Lease, Phase
from webapp.imports.background.not_seen import find_not_seen
from webapp.imports.import_facts import PlanFacts, facts_of_plan, why_not, with_advice
from webapp.imports.import_records import change_import, finish
from webapp.imports.plan import Plan
from webapp.imports.views import State
from webapp.ledger.group_commit import Transaction
from webapp.ledger.row_decisions import Outcome
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_chunks, import_problems, import_rows

_BATCH: Final = 1_000


def plan(lease: Lease, file: JobFile) -> None:
    """Plan the chunks that have no plan yet, and begin what comes next."""
    row = lease.load()
    with reading() as connection:
        done = chunk_plan.summaries(connection, lease.import_id, 0, row.chunks_planned)
    sums = chunk_plan.together(done)
    _forget_rows(lease, sums)
    for number in range(row.chunks_planned, row.chunks):
        with reading() as connection:
            rows = file.rows_of(connection, number, is_shown=True)
            found = file.plan(connection, rows, sums.numbered)
        summary = file.summary_of(found)
        _keep(lease, number, found, summary, sums, rows_done=len(rows))
        sums.add(summary)
    remaining = find_not_seen(file)
    while differences := list(islice(remaining, _BATCH)):
        found = Plan([], differences=differences)
        summary = ChunkSummary(kinds=staging.summary_of(found))
        _keep(lease, row.chunks, found, summary, sums, rows_done=0)
        sums.add(summary)
    _conclude(lease, file, sums)


def _forget_rows(lease: Lease, kept: ChunkSummary) -> None:
    """Delete the rows and problems of an earlier plan, except those of the chunks that stay."""

    def action(transaction: Transaction, _job: Row[Any]) -> None:
        connection, mine = transaction.connection, lease.import_id
        rows, problems = sum(kept.kept.values()), kept.problems
        for table, count in ((import_rows, rows), (import_problems, problems)):
            connection.execute(delete(table).where(table.c.import_id == mine, table.c.number > count))

    lease.write(action)


def _keep(
    lease: Lease, number: int, found: Plan, summary: ChunkSummary, before: ChunkSummary, *, rows_done: int
) -> None:
    """Keep the summary of a chunk, and those of its rows that the page shows."""
    kept: Counter[str] = Counter()

    def is_kept(kind: str) -> bool:
        if kind not in ALL_KEPT and kept[kind] + before.kept.get(kind, 0) >= ROWS_KEPT:
            return False
        kept[kind] += 1
        return True

    rows = list(staging.rows_of(found, is_kept))
    if found.differences:
        kept[staging.DIFFERENCE] += len(found.differences)
    summary.kept = dict(kept)

    def action(transaction: Transaction, row: Row[Any]) -> None:
        connection, mine = transaction.connection, lease.import_id
        staging.insert_rows(connection, mine, rows, sum(before.kept.values()) + 1)
        summary.problems = staging.insert_problems(connection, mine, found, before.problems + 1)
        planned = (import_chunks.c.import_id == mine) & (import_chunks.c.number == number)
        connection.execute(update(import_chunks).where(planned).values(plan=summary.to_json()))
        planned_now = {"chunks_planned": number + 1} if number < row.chunks else {}
        job.change(connection, mine, rows_done=row.rows_done + rows_done, **planned_now)

    lease.write(action)


def _conclude(lease: Lease, file: JobFile, sums: ChunkSummary) -> None:
    """Show the plan, and record it at once if that was decided before."""

    def action(transaction: Transaction, row: Row[Any]) -> None:
        connection, mine = transaction.connection, lease.import_id
        about = plan_facts(file, sums)
        change_import(connection, mine, **facts_of_plan(about, file.options))
        decision = Decision.from_json(row.settings)
        if decision is None:
            job.hand_over(connection, mine, Phase.WAITING, row.rows_all)
            return
        decide(connection, mine, row, about, decision)

    lease.write(action)


def decide(
    connection: Connection, import_id: int, row: Row[Any], about: PlanFacts, decision: Decision
) -> str | None:
    """Begin to record an import as it was decided, or fail it. Returns the reason against recording."""
    reason = why_not(about, skip_invalid=decision.skip_invalid, ignore_unknown=decision.ignore_unknown)
    if reason is None:
        change_import(connection, import_id, state=State.WRITING, message=None)
        recorded = chunk_plan.summaries(connection, import_id, 0, row.chunks_recorded)
        done = sum(summary.rows for summary in recorded)
        job.hand_over(connection, import_id, Phase.RECORDING, row.rows_all, done)
        job.change(connection, import_id, settings=decision.to_json())
        return None
    if decision.how_to_skip or decision.how_to_ignore:
        message = with_advice(reason, decision.how_to_skip, decision.how_to_ignore)
        finish(connection, import_id, state=State.FAILED, message=message)
        job.hand_over(connection, import_id, Phase.CLEANING, 0)
    return reason


def plan_facts(file: JobFile, sums: ChunkSummary) -> PlanFacts:
    """Return what is shown of the plan of the whole file."""
    counts = Counter(sums.counts)
    parsed = counts.pop("total", 0)
    return PlanFacts(
        source=file.staged.whole(file.import_id),
        mapping=file.mapping,
        kinds=sums.ordered_kinds,
        counts={str(outcome): counts[outcome] for outcome in Outcome},
        is_all_invalid=parsed > 0 and counts["invalid"] == parsed,
        undated=file.facts.undated,
        row_notes=file.facts.row_notes,
        unknown_fields=file.facts.unknown_fields,
    )
