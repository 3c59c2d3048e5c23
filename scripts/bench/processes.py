"""The CPU time and the memory of the processes that are measured. Linux only: it reads /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.environment import ROOT
from server.terminal import CommandError

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name of the program, which may hold spaces and brackets: the
# parent, then the ticks of the process itself and of its children that have ended, user and system.
_PARENT: Final = 1
_TICKS: Final = slice(11, 15)


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its output, and what it took. Memory at its highest, in bytes."""

    output: str
    exit_status: int
    cpu_seconds: float
    peak_memory: int


def require_linux() -> None:
    """Raise CommandError where CPU times cannot be read."""
    if not sys.platform.startswith("linux"):
        raise CommandError("The CPU time of the server is read from /proc, so this runs on Linux only.")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and all of its descendants have taken so far."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = process.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        number = int(process.parent.name)
        parents[number] = int(fields[_PARENT])
        ticks[number] = sum(map(int, fields[_TICKS]))
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(ticks.get(member, 0) for member in family) / _TICKS_A_SECOND


def start(
    command: Sequence[str], environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.Popen[bytes]:
    """Start a command in the project's folder, a few bytes as its input; `wait` returns its output."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if process.stdin:
        with process.stdin as given:
            given.write(stdin)
    return process


def wait(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for the end of a process that `start` gave. Call it once."""
    if process.stdout is None:
        raise ValueError("the output of the process is not read")
    with process.stdout as output:
        said = output.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(said, process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
