"""Finds the programs that the tests need and pip cannot install: PostgreSQL's server, Chromium and wrk.

It looks in the folders of the usual packages. Run as `python -m scripts.machine`, it also installs missing
ones, but only as root on a system with apt; it never asks for a password. Missing programs are no error
here: the tests report what they could not run.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server import terminal

POSTGRESQL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
# The folder of `playwright install chromium` on Linux, which does not need root.
CHROMIUM_OF_PLAYWRIGHT = ".cache/ms-playwright/chromium-*/chrome-linux*/chrome"
INSTALLING_MAY_TAKE = 900


def find_postgresql() -> Path | None:
    """Return the folder with `initdb` and `postgres`, the newest if there are several."""
    on_path = [Path(folder) for folder in os.get_exec_path() if folder]
    installed = [folder for pattern in POSTGRESQL_FOLDERS for folder in Path("/").glob(pattern[1:])]
    installed.sort(key=_version, reverse=True)
    for folder in [*on_path, *installed, *_configured()]:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder.resolve()
    return None


def _version(folder: Path) -> tuple[int, ...]:
    """Return the numbers in a path, such as 15 in /usr/lib/postgresql/15/bin, so that 9 sorts before 15."""
    digits = "".join(letter if letter.isdigit() else " " for letter in str(folder))
    return tuple(int(number) for number in digits.split())


def _configured() -> Iterator[Path]:
    if shutil.which("pg_config"):
        result = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        if result.returncode == 0:
            yield Path(result.stdout.strip())


def find_chromium() -> Path | None:
    """Return the path of Chromium or Chrome, preferring the one on PATH."""
    on_path = [Path(path) for name in CHROMIUM_NAMES if (path := shutil.which(name))]
    own = sorted(Path.home().glob(CHROMIUM_OF_PLAYWRIGHT), key=_version, reverse=True)
    places = [*on_path, *CHROMIUM_PLACES, *own]
    return next((place for place in places if os.access(place, os.X_OK)), None)


def install_missing() -> None:
    """Install missing programs with apt, as root only."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    needs_postgresql = find_postgresql() is None
    others = []
    if find_chromium() is None:
        # Fonts, because widths cannot be tested without them; the sandbox, for users other than root.
        others += ["chromium", "chromium-sandbox", "fonts-liberation"]
    if ctypes.util.find_library("atomic") is None:
        others += ["libatomic1"]  # required by playwright's driver, missing on minimal systems
    if shutil.which("wrk") is None:
        others += ["wrk"]  # the load generator of `make bench`
    if needs_postgresql or others:
        _apt("update")
    if needs_postgresql:
        with _no_cluster():
            _install("postgresql")
    if others:
        _install(*others)


def _install(*packages: str) -> None:
    print(f"Installing for the tests: {', '.join(packages)} …", flush=True)
    _apt("install", "--yes", "--no-install-recommends", *packages)


def _apt(*arguments: str) -> None:
    """Run apt-get without prompts. After a failure, the tests report what they do not find."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=quiet,
            check=True,
            timeout=INSTALLING_MAY_TAKE,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        print(f"apt-get {arguments[0]} failed: {failure}", flush=True)


@contextmanager
def _no_cluster() -> Iterator[None]:
    """Keep Debian's package from creating and starting a server, because the tests start their own."""
    folder = Path("/etc/postgresql-common/createcluster.d")
    setting = folder / "no-cluster-for-the-ledger-tests.conf"
    folder.mkdir(parents=True, exist_ok=True)
    setting.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        setting.unlink(missing_ok=True)


if __name__ == "__main__":
    terminal.run(install_missing)
