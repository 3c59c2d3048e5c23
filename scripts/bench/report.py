"""The table of figures and targets, for the terminal and docs/performance.md.

A run replaces the blocks of the document between `<!-- measured: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench.beside import BareRoute, Beside, statuses_text
from scripts.environment import ROOT
from server.terminal import CommandError

DOCUMENT: Final = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Figure:
    """A row of the table. `is_met` is None without a target."""

    name: str
    measured: str
    target: str = ""
    is_met: bool | None = None
    details: str = ""

    @property
    def verdict(self) -> str:
        return {None: "", True: "met", False: "missed"}[self.is_met]

    @property
    def cells(self) -> tuple[str, ...]:
        return self.name, self.measured, self.target, self.verdict, self.details


def at_least(name: str, value: float, least: float, unit: str = "", details: str = "") -> Figure:
    """Return a figure with a minimum."""
    return Figure(name, _number(value, unit), f"≥ {_number(least, unit)}", value >= least, details)


def at_most(name: str, value: float, most: float, unit: str = "", details: str = "") -> Figure:
    """Return a figure with a maximum."""
    return Figure(name, _number(value, unit), f"≤ {_number(most, unit)}", value <= most, details)


def _number(value: float, unit: str) -> str:
    """Format with three significant digits, but at least the whole part: 0.134, 61.3, 1,516 ms."""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3  # noqa: PLR2004
    text = f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".strip()


def load_details(beside: Beside) -> str:
    """Format the details of a ratio: rate, latencies and the count of each status."""
    measured = beside.measured
    return (
        f"{measured.rate:,.0f}/s, p50 {measured.p50_ms:,.0f} ms, p99 {measured.p99_ms:,.0f} ms, "
        f"CPU {beside.cpu_ratio:.1f} times bare; {statuses_text(measured)}"
    )


def bare_figure(bare: BareRoute) -> Figure:
    """Return the row of the bare route: its rate, and the CPU of wrk."""
    rates = [measured.rate for measured in bare.measurements]
    p99 = max(measured.p99_ms for measured in bare.measurements)
    cores = max(measured.wrk_cores for measured in bare.measurements)
    total = sum(measured.answers for measured in bare.measurements)
    details = (
        f"p99 {p99:,.0f} ms, CPU {1000 * bare.cpu_seconds:.3f} ms, wrk {cores:.2f} cores; 200: {total:,}"
    )
    return Figure("bare route, a second", f"{min(rates):,.0f} to {max(rates):,.0f}", details=details)


def conditions() -> str:
    """Return the commit, the machine and the versions of the run."""
    commit = _git("rev-parse", "--short=12", "HEAD") or "no commit"
    others = ("--untracked-files=no", "--", ".", f":!{DOCUMENT.relative_to(ROOT)}")
    changed = " with uncommitted changes" if _git("status", "--porcelain", *others) else ""
    cores = len(os.sched_getaffinity(0))
    return (
        f"Commit {commit}{changed}; {cores} cores of {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def plain_table(figures: Sequence[Figure]) -> str:
    """Return the table for a terminal."""
    heads = ("figure", "measured", "target", "", "details")
    rows = [heads, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads) - 1)]
    lines = []
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append("  ".join([*padded, row[-1]]).rstrip())
    return "\n".join(lines)


def markdown_table(figures: Sequence[Figure]) -> str:
    """Return the table for the document."""
    lines = ["| figure | measured | target | | details |", "|---|---|---|---|---|"]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in figure.cells) + " |" for figure in figures
    ]
    return "\n".join(lines)


def with_block(document: str, name: str, content: str) -> str:
    """Return the document with the content of one block replaced.

    Raises:
        CommandError: the document has no such block.
    """
    start, end = f"<!-- measured: {name} -->", "<!-- end -->"
    block = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not block.search(document):
        raise CommandError(f"There is no block {start} in the document.")
    return block.sub(lambda _: f"{start}\n{content}\n{end}", document, count=1)


def write(name: str, figures: Sequence[Figure], document: Path = DOCUMENT) -> None:
    """Replace a block of the document with the figures of a run."""
    content = f"{conditions()}\n\n{markdown_table(figures)}"
    document.write_text(with_block(document.read_text(encoding="utf-8"), name, content), encoding="utf-8")
