"""`make run`: sets up the environment, migrates the database and serves the ledger.

Quick checks run before slow steps. The last step replaces this process with gunicorn, so that signals and
the exit status are gunicorn's own.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from scripts.environment import ROOT, alone, prepare
from server import terminal
from server.settings import Address, worker_count
from server.terminal import CommandError

# The beginning of an error that says all there is to say.
_FOR_PEOPLE: Final = "Error: "


def migrate(python: Path) -> None:
    """Upgrade the database to the newest schema.

    Raises:
        CommandError: the migration failed, with its reason in one line.
    """
    command = [str(python), "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        why = reason(done.stderr or done.stdout)
        if why.startswith(_FOR_PEOPLE):
            raise CommandError(f"Cannot prepare the database: {why.removeprefix(_FOR_PEOPLE)}")
        raise CommandError(
            f"Cannot prepare the database: {why}\n"
            "(for the full output: .venv/bin/flask --app wsgi db upgrade)"
        )


def reason(output: str) -> str:
    """Return the line of a program's output that has its last error: `SomeError: reason`."""
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
    # Warnings only, so that the address to open is not lost among gunicorn's own messages.
    gunicorn = [str(python), "-m", "gunicorn", "--log-level", "warning", "wsgi:app"]
    os.execv(python, gunicorn)  # noqa: S606 (no shell is used)


if __name__ == "__main__":
    terminal.run(main)
