"""`python -m scripts.bench`: measures the real server in one run, and prints one table of figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from scripts.bench import report
from scripts.bench.figures import FIGURES
from scripts.bench.load import require_wrk
from scripts.bench.processes import require_linux
from scripts.bench.report import Figure
from scripts.bench.scale import scale_figures
from scripts.bench.workbench import Workbench
from server import terminal
from server.terminal import CommandError

CREDITS: Final = 20_000
# A run replaces a block of the document if it has all figures, on ledgers of at least these sizes.
SCALE_OF_THE_DOCUMENT: Final = 1_000_000


def main() -> None:
    chosen = arguments()
    require_linux()
    require_wrk()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledger-bench-")))
        work = Workbench(stack, folder, chosen.seconds, chosen.scale or chosen.credits, tell)
        if chosen.scale:
            figures = scale_figures(work)
        else:
            figures = [figure for name in chosen.only for figure in FIGURES[name](work)]
        figures.insert(0, report.bare_figure(work.bare))
        conclude(figures, work.bare.faults)
    if block := block_of(chosen):
        report.write(block, figures)


def block_of(chosen: argparse.Namespace) -> str | None:
    """Return the block of the document that this run replaces, None for a partial run."""
    if chosen.scale:
        return "scale" if chosen.scale >= SCALE_OF_THE_DOCUMENT else None
    return "run" if chosen.only == list(FIGURES) and chosen.credits >= CREDITS else None


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; `only` becomes a list in the order of measurement.

    Raises:
        CommandError: a figure is unknown.
    """
    parser = argparse.ArgumentParser(prog="scripts.bench", description=(__doc__ or "").partition(": ")[2])
    names = ",".join(FIGURES)
    parser.add_argument("--only", default=names, metavar="NAME,…", help=f"figures, of {names}")
    parser.add_argument("--seconds", type=int, default=6, help="seconds of each load")
    parser.add_argument("--credits", type=int, default=CREDITS, help="number of credits in the ledger")
    parser.add_argument(
        "--scale", type=int, default=0, metavar="CREDITS", help="measure a ledger of this many instead"
    )
    chosen = parser.parse_args(given)
    asked = chosen.only.split(",")
    if unknown := sorted(set(asked) - set(FIGURES)):
        raise CommandError(f"Unknown figure {', '.join(unknown)}. Known figures: {names}.")
    chosen.only = [name for name in FIGURES if name in asked]
    return chosen


def conclude(figures: Sequence[Figure], faults: Sequence[str]) -> None:
    """Print the table.

    Raises:
        CommandError: a fault makes the run invalid.
    """
    print(f"\n{report.conditions()}\n\n{report.plain_table(figures)}", flush=True)
    if faults:
        raise CommandError("\nThe run is invalid:\n" + "\n".join(faults))


def tell(progress: str) -> None:
    """Print progress to standard error."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    terminal.run(main)
