"""Creates the virtual environment in .venv, installs the pinned requirements, and repairs it.

Run as `python -m scripts.environment requirements.txt`. A record in .venv says "unfinished" from before the
first change until after the last one, so that the next run repeats an interrupted set-up.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server import terminal
from server.terminal import CommandError

ROOT = Path(__file__).resolve().parent.parent
RECORD = "set-up.json"
UNFINISHED = {"unfinished": "yes"}


@contextmanager
def alone(root: Path) -> Iterator[int]:
    """Lock the folder, so that one set-up at a time works in it. Yield the lock's file descriptor.

    A child process that inherits the descriptor holds the lock while it lives, so that the next set-up waits
    for an installer that outlives a killed one. The lock is on the folder itself: it leaves no file and needs
    no write permission. On a file system without locks there is none.
    """
    lock = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up in this folder to finish …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            print(f"Cannot lock {root} ({error.strerror}): do not run two set-ups at once.", file=sys.stderr)
        yield lock
    finally:
        os.close(lock)


def prepare(requirements: str, root: Path, lock: int) -> Path:
    """Return the Python of an environment with the packages of the requirements file.

    Raises:
        CommandError: the folder cannot be written, or an installer failed.
    """
    venv = root / ".venv"
    python = venv / "bin" / "python"
    digest = hashlib.sha256((root / requirements).read_bytes()).hexdigest()
    try:
        record = _read(venv)
        usable = _usable(python) and record.get("folder", str(venv)) == str(venv) and record != UNFINISHED
        if usable and record.get(requirements) == digest:
            return python
        venv.mkdir(exist_ok=True)
        _write(venv, UNFINISHED)
        print(f"Installing the packages of {requirements}. The first time takes a minute …", flush=True)
        if not usable:
            record = {}
            _make(venv, lock)
        _install(python, root / requirements, lock)
        _write(venv, {**record, "folder": str(venv), requirements: digest})
    except OSError as error:
        raise CommandError(f"Cannot set up {error.filename or venv}: {error.strerror}.") from None
    return python


def _usable(python: Path) -> bool:
    """Return whether this Python starts and has pip; its base Python may have been removed."""
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _read(venv: Path) -> dict[str, str]:
    """Return the record of the installed requirements, empty for a manually created environment."""
    try:
        record = json.loads((venv / RECORD).read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        return UNFINISHED
    return record if isinstance(record, dict) else UNFINISHED


def _write(venv: Path, record: dict[str, str]) -> None:
    new = venv / f"{RECORD}.new"
    new.write_text(json.dumps(record))
    new.replace(venv / RECORD)


def _make(venv: Path, lock: int) -> None:
    """Recreate the environment, keeping only its record."""
    for entry in venv.iterdir():
        if entry.name == RECORD:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    # Not the Python of .venv, even if that environment is active, because it was just removed.
    base: str = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [base, "-m", "venv", str(venv)], capture_output=True, text=True, check=False, pass_fds=[lock]
    )
    if made.returncode:
        lines = (made.stdout + made.stderr).strip().splitlines() or ["no reason given"]
        raise CommandError(f"Cannot create the virtual environment {venv}: {lines[-1]}")


def _install(python: Path, requirements: Path, lock: int) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    # These settings of pip would install the packages outside of this environment.
    redirecting = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}
    installed = subprocess.run(
        [*command, "--require-hashes", "--requirement", str(requirements)],
        check=False,
        pass_fds=[lock],
        env={name: value for name, value in os.environ.items() if name not in redirecting},
    )
    if installed.returncode:
        raise CommandError(
            f"Installing {requirements.name} failed for the reason above. Fix it and run this again."
        )


def main() -> None:
    with alone(ROOT) as lock:
        for requirements in sys.argv[1:]:
            prepare(requirements, ROOT, lock)


if __name__ == "__main__":
    terminal.run(main)
