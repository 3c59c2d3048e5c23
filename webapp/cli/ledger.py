"""Terminal commands of the ledger: verify, rebuild, export, restore, import, demo.

The result goes to standard output, progress and summaries to standard error. An error is one line, with
exit status 1.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, TypeVar

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from webapp.accounts.actors import CLI
from webapp.cli import demo_data as demonstration
from webapp.cli.checkpoint_file import read_signed
from webapp.cli.output import CommandFailed, Progress, one_line_errors
from webapp.domain.errors import ImportNotOpen, LedgerError
from webapp.domain.fields import FieldError, quantity_text
from webapp.imports import jobs, views
from webapp.imports.background import intake, large_imports
from webapp.imports.background.job import Decision
from webapp.imports.options import ImportOptions, Where, parse_end_date
from webapp.imports.staging import ROW_KINDS
from webapp.imports.views import ImportView, State
from webapp.ledger import archive, clock, integrity
from webapp.ledger.audit import verify as verification
from webapp.ledger.audit.digest import Digest, NotADigest
from webapp.ledger.audit.findings import Finding, FindingKind, one_line
from webapp.ledger.audit.log_check import Known, known_outside
from webapp.ledger.transparency.tree import LEAVES

T = TypeVar("T")
R = TypeVar("R")
STANDARD: Final = "-"  # as a file name: standard input or output
_DIGEST_BYTES_MAX: Final = 1_000_000


def install(app: Flask) -> None:
    """Register every command."""
    for command in (verify, rebuild, export, restore, import_file, demo):
        app.cli.add_command(command)


@click.command()
@click.option(
    "--expect",
    metavar="FILE",
    help="Saved output of an earlier `flask verify`: its events must still be the first ones.",
)
@click.option(
    "--checkpoint", metavar="FILE", help="A signed checkpoint of this log, which it must still follow."
)
@with_appcontext
@one_line_errors
def verify(expect: str | None, checkpoint: str | None) -> None:
    """Compare all stored data with the log.

    Recomputes ids, hashes, chains and positions, and compares credits, serial numbers and all other
    derived tables with the log, and the schema with that of this version. Prints one line per problem,
    then the number of events and a digest of all of them. Changes nothing but the list of checks on the
    page Integrity, where it adds the result if the database can be written.

    Store the output, or a checkpoint, elsewhere: only with it can --expect or --checkpoint detect that the
    last events were removed. --checkpoint says whether this is the ledger that signed it, and otherwise where
    the first difference is, as far as the stored checkpoints and nodes tell.
    """
    expected, signed = _read_digest(expect), read_signed(checkpoint)
    known = known_outside()
    if signed:
        known.append(Known(signed[0].size, signed[0].root, str(checkpoint), signed[1]))
    began_at = clock.now()
    found: list[Finding] = []
    remarks: list[str] = []
    with Progress("Verifying") as progress:

        def report(finding: Finding) -> None:
            found.append(finding)
            progress.clear()
            click.echo(str(finding))

        digest = verification.verify(report, expected, progress, known, remarks.append)
    if digest:
        click.echo(str(digest))
    for remark in remarks:
        click.echo(remark, err=True)
    _record(integrity.Result(digest, found), began_at)
    # What holds is said beside what is wrong elsewhere. Without a digest nothing was compared.
    if expected and digest and not any(each.kind is FindingKind.DIGEST for each in found):
        # The digest is of the stored hashes, and a finding may say that a text has another one.
        outcome = "have the expected digest" if found else "are as expected"
        click.echo(f"The first {expected.events} events {outcome}.", err=True)
    if signed and digest and not any(each.place.endswith(f"({checkpoint})") for each in found):
        checkpoint_of, tree = signed
        what = f"The first {checkpoint_of.size} {LEAVES[tree]} are those that {checkpoint_of.origin} signed."
        click.echo(what, err=True)
    if found:
        raise CommandFailed(f"{_count(len(found), 'thing is', 'things are')} wrong.")
    click.echo("Nothing is wrong.", err=True)


def _record(result: integrity.Result, began_at: datetime) -> None:
    """Add the result to the list of checks. A database that cannot be written is verified all the same."""
    try:
        integrity.record_check(CLI, began_at, result)
    except (LedgerError, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        click.echo(one_line(f"The list of checks does not have this result: {reason}"), err=True)


@click.command()
@with_appcontext
@one_line_errors
def rebuild() -> None:
    """Rebuild all derived tables from the log.

    Statuses, totals, serial numbers and the search index are deleted and rebuilt in one transaction. The
    log itself is only read.
    """
    with Progress("Rebuilding") as progress:
        done = archive.rebuild(progress)
    click.echo(f"Rebuilt from {_count(done, 'event', 'events')}.")


@click.command()
@click.argument("file", default=STANDARD)
@with_appcontext
@one_line_errors
def export(file: str) -> None:
    """Write the whole log to FILE, or to standard output.

    Each line is the stored text of one event, byte for byte, in the order of the log, from one consistent
    snapshot. FILE appears once it is complete, and an existing file is not replaced. Prints the number of
    events and the digest.
    """
    with Progress("Exporting") as progress:
        if file == STANDARD:
            digest = archive.export(sys.stdout.buffer.write, progress)
        else:
            digest = archive.export_to(Path(file), progress)
    click.echo(str(digest), err=file == STANDARD)


@click.command()
@click.argument("file")
@click.option("--expect", metavar="FILE", help="Output of the export, which FILE must match.")
@with_appcontext
@one_line_errors
def restore(file: str, expect: str | None) -> None:
    """Read an export into an empty ledger, completely or not at all.

    Checks the text, hash, chain and id of each line. Times and actors stay as recorded. Prints the number
    of events and the digest, the same as those of the export.
    """
    with Progress("Restoring") as progress:
        digest = archive.restore(Path(file), _read_digest(expect), progress)
    click.echo(str(digest))


@click.command("import")
@click.argument("file")
@click.option("--skip-invalid", is_flag=True, help="Leave out rows that are invalid or in conflict.")
@click.option("--ignore-unknown", is_flag=True, help="Leave out fields that are not recorded.")
@click.option("--dry-run", is_flag=True, help="Only check; write nothing.")
@click.option("--where", metavar="COLUMN=VALUE", help="Record only the rows with this value in the column.")
@click.option("--compare", is_flag=True, help="Record nothing; compare the file with the ledger.")
@click.option("--end-date", metavar="DAY", help="Day of retirements and cancellations without a date.")
@click.option(
    "--as-additional", is_flag=True, help="Record rows without serial numbers beside numbered ones."
)
@click.option("--without-facts", is_flag=True, help="Add no facts to credits that are recorded already.")
@with_appcontext
@one_line_errors
def import_file(
    file: str,
    *,
    skip_invalid: bool,
    ignore_unknown: bool,
    dry_run: bool,
    where: str | None,
    compare: bool,
    end_date: str | None,
    as_additional: bool,
    without_facts: bool,
) -> None:
    """Record what a file of credits says (- for standard input).

    The file is CSV, an Excel workbook or JSON: an export of a registry, a file of this ledger, or any file
    whose columns have known names. It is recorded completely or not at all; what is recorded already stays
    unchanged. Prints what the file does by kind, with rows and tonnes.
    """
    options = ImportOptions(
        where=_parsed("--where", Where.parse, where) if where is not None else None,
        is_compare_only=compare,
        is_chosen=True,
        end_date=_parsed("--end-date", parse_end_date, end_date),
        is_undated=end_date is None,
        as_additional=as_additional,
        adds_facts=not without_facts,
    )
    decision = Decision(
        CLI,
        skip_invalid,
        ignore_unknown,
        how_to_skip="Use --skip-invalid to record the others.",
        how_to_ignore="Use --ignore-unknown to leave them out.",
    )
    with _opened(file) as (opened, name), Progress("Reading", "rows") as progress:
        received = intake.receive(
            opened,
            name,
            CLI,
            progress,
            options=options,
            decision=None if dry_run else decision,
            limits=current_app.config["IMPORT_LIMITS"],
        )
        view = views.find(received.import_id)
        if view.job:
            try:
                large_imports.run(view.id, lambda job: progress.show(f"{job.phase}: {job.rows_done:,} rows"))
            except KeyboardInterrupt:
                _stop_large(view.id)
            view = views.find(view.id)
    _print_import(view)
    if view.is_open and view.job:
        large_imports.cancel(view.id, CLI)
        large_imports.run(view.id, lambda _job: None)
    elif view.is_open:  # an open import of a terminal would never be decided
        jobs.cancel(view.id)
    if view.message:
        raise CommandFailed(view.message)
    if view.state is State.UNMAPPED:
        raise CommandFailed("Nothing would be recorded: the columns of the file are not known.")
    if view.has_problems and not skip_invalid:
        raise CommandFailed("Nothing would be recorded: some rows are invalid or in conflict.")


def _stop_large(import_id: int) -> None:
    """Stop an import at Ctrl-C, so that no serving process goes on with it.

    Raises CommandFailed, unless the import was over.
    """
    with suppress(ImportNotOpen):  # it is over already
        large_imports.cancel(import_id, CLI)
        large_imports.run(import_id, lambda _job: None)
        view = views.find(import_id)
        rest = f"The page /imports/{import_id} can record the rest." if view.written else ""
        raise CommandFailed(f"Stopped. {_count(view.written, 'row', 'rows')} recorded. {rest}".strip())


@click.command()
@with_appcontext
@one_line_errors
def demo() -> None:
    """Load the sample credits with some sales and retirements.

    Loading them again adds nothing.
    """
    added = demonstration.load(CLI)
    click.echo(
        f"Added {_count(added.credits, 'credit', 'credits')}, {_count(added.sales, 'sale', 'sales')} "
        f"and {_count(added.retirements, 'retirement', 'retirements')}."
    )


def _read_digest(file: str | None) -> Digest | None:
    if file is None:
        return None
    with Path(file).open("rb") as opened:
        text = opened.read(_DIGEST_BYTES_MAX).decode(errors="replace")
    try:
        return Digest.read(text)
    except NotADigest as error:
        raise CommandFailed(f"{file}: {error}") from None


def _parsed(option: str, parse: Callable[[T], R], value: T) -> R:
    """Return the value of an option. Raises CommandFailed."""
    try:
        return parse(value)
    except FieldError as error:
        raise CommandFailed(f"{option}: {error}") from None


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    """Give the file and its name. Standard input is spooled, because a large file is read twice."""
    if file != STANDARD:
        with Path(file).open("rb") as opened:
            yield opened, Path(file).name
        return
    with TemporaryFile() as spooled:
        shutil.copyfileobj(sys.stdin.buffer, spooled)
        spooled.seek(0)
        yield spooled, "standard input"


def _print_import(view: ImportView) -> None:
    read_as = ", ".join(filter(None, [view.summary.kind, view.summary.format, view.summary.encoding]))
    click.echo(one_line(f"{view.filename}: {_count(view.total, 'row', 'rows')} ({read_as})"))
    for kind in ROW_KINDS:
        if found := view.summary.kinds.get(kind):
            rows, tonnes = _count(found["rows"], "row", "rows"), quantity_text(found["e4"])
            click.echo(f"{kind.replace('_', ' ')}: {rows}, {tonnes} t")
    for note in view.summary.notes:
        click.echo(one_line(note))
    for note, count in view.summary.row_notes.items():
        click.echo(one_line(f"{_count(count, 'row', 'rows')}: {note}"))
    if view.not_recorded:
        click.echo(one_line(f"not recorded: {', '.join(view.not_recorded)}"))
    shown = 0
    while page := views.problems(view.id, after=shown):
        for problem in page:
            place = f"row {problem.row}, {problem.field}" if problem.field else f"row {problem.row}"
            click.echo(one_line(f"{place}: {problem.message}"))
        shown += len(page)
    click.echo(f"written: {view.written}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
