"""Terminal commands of the ledger: verify, rebuild, export, restore, import, demo.

The result goes to standard output, progress and summaries to standard error. An error is one line, with
exit status 1.
"""

import sys
from pathlib import Path
from typing import Final

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.accounts.actors import CLI
from webapp.cli import demo_data as demonstration
from webapp.cli.output import CommandFailed, Progress, one_line_errors
from webapp.config import MAX_BODY_BYTES
from webapp.imports import jobs, views
from webapp.imports.views import ImportView
from webapp.ledger import archive
from webapp.ledger.audit import verify as verification
from webapp.ledger.audit.digest import Digest, NotADigest
from webapp.ledger.audit.findings import Finding, one_line

STANDARD: Final = "-"  # as a file name: standard input or output
_DIGEST_BYTES_MAX: Final = 1_000_000


def install(app: Flask) -> None:
    """Register every command."""
    for command in (verify, rebuild, export, restore, import_file, demo):
        app.cli.add_command(command)


@click.command()
@click.option(
    "--expect", metavar="FILE", help="Output of an earlier verify, which must be a prefix of this ledger."
)
@with_appcontext
@one_line_errors
def verify(expect: str | None) -> None:
    """Compare all stored data with the log.

    Recomputes ids, hashes, chains and positions, and compares credits, serial numbers and all other
    derived tables with the log, and the schema with that of this version. Prints one line per problem,
    then the number of events and a digest of all of them. Changes nothing.

    Store the output elsewhere: only with it can --expect detect that the last events were removed.
    """
    expected = _read_digest(expect)
    found = 0
    with Progress("Verifying") as progress:

        def report(finding: Finding) -> None:
            nonlocal found
            found += 1
            progress.clear()
            click.echo(str(finding))

        digest = verification.verify(report, expected, progress)
    if digest:
        click.echo(str(digest))
    if found:
        raise CommandFailed(f"{_count(found, 'thing is', 'things are')} wrong.")
    if expected:
        click.echo(f"The first {expected.events} events are as expected.", err=True)
    click.echo("Nothing is wrong.", err=True)


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
@with_appcontext
@one_line_errors
def import_file(file: str, *, skip_invalid: bool, ignore_unknown: bool, dry_run: bool) -> None:
    """Record the credits of a JSON file (- for standard input).

    The file is a JSON array, an object with one array in it, or one JSON object per line. It is recorded
    completely or not at all; credits that are already recorded stay unchanged.
    """
    content, name = _read_import(file)
    with Progress("Reading", "rows") as progress:
        if dry_run:
            view = views.find(jobs.receive(content, name, CLI, progress).import_id)
        else:
            view = jobs.import_now(
                content,
                name,
                CLI,
                progress,
                skip_invalid=skip_invalid,
                ignore_unknown=ignore_unknown,
                how_to_skip="Use --skip-invalid to record the others.",
                how_to_ignore="Use --ignore-unknown to leave them out.",
            ).view
    _print_import(view)
    if view.is_open:  # an open import of a terminal would never be decided
        jobs.cancel(view.id)
    if view.message:
        raise CommandFailed(view.message)
    if view.has_problems and not skip_invalid:
        raise CommandFailed("Nothing would be recorded: some rows are invalid or in conflict.")


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


def _read_import(file: str) -> tuple[bytes, str]:
    """Return the content and the name of the import. Raises CommandFailed above MAX_BODY_BYTES."""
    if file == STANDARD:
        content, name = sys.stdin.buffer.read(MAX_BODY_BYTES + 1), "standard input"
    else:
        with Path(file).open("rb") as opened:
            content, name = opened.read(MAX_BODY_BYTES + 1), Path(file).name
    if len(content) > MAX_BODY_BYTES:
        raise CommandFailed(f"{name}: larger than {MAX_BODY_BYTES // 1024**2} MiB.")
    return content, name


def _print_import(view: ImportView) -> None:
    click.echo(
        f"{view.filename}: {_count(view.total, 'row', 'rows')}: {view.new} new, {view.existing} already "
        f"recorded, {view.conflicting} in conflict, {view.invalid} invalid"
    )
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
