"""`python -m scripts.bench`: measures the real server in one run, and prints one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from scripts import terminal
from scripts.bench import report
from scripts.bench.beside import BareRoute
from scripts.bench.figures import FIGURES
from scripts.bench.load import require_wrk
from scripts.bench.processes import require_linux
from scripts.bench.report import Figure
from scripts.bench.workbench import Workbench
from scripts.terminal import Refused


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts.bench", description=(__doc__ or "").partition(": ")[2])
    names = ",".join(FIGURES)
    parser.add_argument("--only", default=names, metavar="NAME,…", help=f"figures, of {names}")
    parser.add_argument("--seconds", type=int, default=6, help="that each load is sent for")
    parser.add_argument("--credits", type=int, default=20_000, help="that the ledger is filled with")
    chosen = parser.parse_args()
    asked = chosen.only.split(",")
    if unknown := sorted(set(asked) - set(FIGURES)):
        raise Refused(f"There is no figure {', '.join(unknown)}; there are {names}.")
    require_linux()
    require_wrk()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledger-bench-")))
        work = Workbench(stack, folder, chosen.seconds, chosen.credits, tell)
        figures = [figure for name in FIGURES if name in asked for figure in FIGURES[name](work)]
        conclude(work.bare, figures)
    if asked == list(FIGURES):
        report.write("run", [report.bare_figure(work.bare), *figures])


def conclude(bare: BareRoute, figures: Sequence[Figure]) -> None:
    """Print the table.

    Raises:
        Refused: something makes the run void.
    """
    print(
        f"\n{report.conditions()}\n\n{report.plain_table([report.bare_figure(bare), *figures])}", flush=True
    )
    if bare.faults:
        raise Refused("\nThe run is void:\n" + "\n".join(bare.faults))


def tell(progress: str) -> None:
    """Print what is being measured, apart from the table."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    terminal.run(main)
