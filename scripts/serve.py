"""`make run`: from whatever state this folder is in to a served ledger.

The order is chosen so that each thing that can go wrong is found before anything that takes long.
The last step replaces this process by gunicorn, so that signals and exit status are gunicorn's own.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from scripts.environment import ROOT, alone, prepare
from server import terminal
from server.settings import Address, worker_count
from server.terminal import CommandError


def migrate(python: Path) -> None:
    """Brings the database to the newest schema; nothing changes where it has it.

    Raises:
        CommandError: with the reason that the migration gave, in one line.
    """
    command = [str(python), "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(
            f"Cannot prepare the database: {reason(done.stderr or done.stdout)}\n"
            "(all of it: .venv/bin/flask --app wsgi db upgrade)"
        )


def reason(output: str) -> str:
    """The one line of a program's last words that says what went wrong: `SomeError: why`."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line) and not line.startswith("INFO")]
    return (named or lines or ["no reason given"])[-1]


def main() -> None:
    os.chdir(ROOT)
    worker_count()
    Address.from_environment().check_free()
    with alone(ROOT) as lock:
        python = prepare("requirements.txt", ROOT, lock)
        migrate(python)
    # Warnings only: the address to open should not drown between the server's own greetings.
    gunicorn = [str(python), "-m", "gunicorn", "--log-level", "warning", "wsgi:app"]
    os.execv(python, gunicorn)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    terminal.run(main)
