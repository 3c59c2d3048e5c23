"""CPU time and memory of measured processes. Linux only, because it reads /proc."""

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
# Fields of /proc/PID/stat after the name of the program, which can contain spaces and brackets: the parent,
# and the user and system ticks of the process and of its ended children.
_PARENT: Final = 1
_TICKS: Final = slice(11, 15)


@dataclass(frozen=True)
class Ended:
    """An ended process: its output, exit status, CPU time, and peak memory in bytes."""

    output: str
    exit_status: int
    cpu_seconds: float
    peak_memory: int


def require_linux() -> None:
    """Raise CommandError on other systems than Linux."""
    if not sys.platform.startswith("linux"):
        raise CommandError("The CPU time of the server is read from /proc, so this runs on Linux only.")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its descendants so far."""
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
    descendants = {pid}
    while more := {child for child, parent in parents.items() if parent in descendants} - descendants:
        descendants |= more
    return sum(ticks.get(process_id, 0) for process_id in descendants) / _TICKS_A_SECOND


def start(
    command: Sequence[str], environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.Popen[bytes]:
    """Start a command in the project's folder, with a short input; `wait` returns its output."""
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
    """Wait for a process of `start` to end. Must be called once."""
    if process.stdout is None:
        raise ValueError("the output of the process is not read")
    with process.stdout as output:
        text = output.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(text, process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
