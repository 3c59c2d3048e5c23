"""The commands of the Makefile, as far as they can be tried without installing anything."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scripts import environment, machine, serve
from scripts.environment import ROOT
from server.settings import Address, worker_count
from server.terminal import CommandError

OLD = 'case "$2" in *print*) echo 3.9;; *) exit 1;; esac'
WITHOUT_VENV = 'case "$2" in *print*) echo 3.12;; *ensurepip*) exit 1;; esac'
GOOD = 'case "$1$2" in *print*) echo 3.12;; -c*) ;; *) echo "$0 runs $*";; esac'


@contextmanager
def busy_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with busy_port() as port:
        return port


def find_python(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Runs the search with these programs alone on the PATH, written in shell."""
    for name, body in programs.items():
        program = folder / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    command = ["/bin/sh", str(ROOT / "scripts/find-python.sh"), "-m", "something"]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_is_named_in_one_line(tmp_path: Path) -> None:
    answer = find_python(tmp_path, python3=OLD)
    assert answer.returncode == 1
    assert answer.stderr == "Python 3.11 or later is needed, and was not found (python3 is 3.9).\n"


def test_a_newer_python_is_looked_for_beside_an_old_one(tmp_path: Path) -> None:
    answer = find_python(tmp_path, python3=OLD, python3_12=GOOD)
    assert answer.stdout.endswith("python3.12 runs -m something\n")


def test_a_python_without_venv_is_told_which_package_to_install(tmp_path: Path) -> None:
    answer = find_python(tmp_path, python3=WITHOUT_VENV)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert "apt install python3.12-venv" in answer.stderr


def test_a_python_with_venv_is_preferred_to_one_without(tmp_path: Path) -> None:
    answer = find_python(tmp_path, python3=WITHOUT_VENV, python3_11=GOOD)
    assert answer.stdout.endswith("python3.11 runs -m something\n")


def test_a_machine_without_python_is_told_so(tmp_path: Path) -> None:
    answer = find_python(tmp_path)
    assert answer.returncode == 1
    assert answer.stderr == "Python 3.11 or later is needed, and none was found.\n"


@pytest.mark.parametrize("port", ["abc", "-1", "0", "65536", "80a", "8e3", "٨٠٠٠", "1" * 5000])
def test_a_port_that_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="PORT must be a number from 1 to 65535"):
        Address.from_environment({"PORT": port})


def test_empty_settings_are_as_good_as_missing_ones() -> None:
    assert Address.from_environment({"HOST": "", "PORT": ""}) == Address("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("host", "bind", "url"),
    [
        ("127.0.0.1", "127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("0.0.0.0", "0.0.0.0:8001", "http://127.0.0.1:8001"),  # noqa: S104 (nothing listens here)
        ("::", "[::]:8001", "http://[::1]:8001"),
        ("[::1]", "[::1]:8001", "http://[::1]:8001"),
        ("ledger.example", "ledger.example:8001", "http://ledger.example:8001"),
    ],
)
def test_the_address_can_be_bound_and_visited(host: str, bind: str, url: str) -> None:
    address = Address.from_environment({"HOST": host, "PORT": "8001"})
    assert (address.bind, address.url()) == (bind, url)


def test_there_are_two_workers_unless_asked_otherwise() -> None:
    assert worker_count({}) == 2
    assert worker_count({"WEB_CONCURRENCY": "5"}) == 5
    with pytest.raises(CommandError, match="WEB_CONCURRENCY"):
        worker_count({"WEB_CONCURRENCY": "0"})


def test_a_port_is_free_again_after_its_server_has_gone() -> None:
    Address("127.0.0.1", free_port()).check_free()


def test_an_address_of_another_machine_cannot_be_served_on() -> None:
    with pytest.raises(CommandError, match=r"Cannot serve on HOST=203\.0\.113\.5"):
        Address("203.0.113.5", 8001).check_free()


@pytest.mark.parametrize("program", [["scripts.serve"], ["gunicorn", "wsgi:app"]])
def test_a_busy_port_is_one_line_before_anything_else_happens(program: list[str]) -> None:
    with busy_port() as port:
        command = [sys.executable, "-m", *program]
        variables = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1"}
        answer = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=60
        )
    said = [line for line in answer.stderr.splitlines() if "[INFO] Starting gunicorn" not in line]
    assert answer.returncode == 1
    assert len(said) == 1
    assert said[0].startswith(f"Port {port} on 127.0.0.1 is in use")


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A one-line program served as the ledger is; gives the line that says it is ready."""
    (folder / "one_line.py").write_text(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [environ['wsgi.url_scheme'].encode()]\n"
    )
    command = [sys.executable, "-m", "gunicorn", *options, "--pythonpath", str(folder), "one_line:app"]
    variables = {**os.environ, "PORT": str(free_port()), "HOST": "127.0.0.1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield next(line for line in server.stdout if line.startswith("Ready")), server
        finally:
            with contextlib.suppress(ProcessLookupError):
                server.send_signal(signal.SIGINT)


def test_the_address_is_printed_when_it_answers_and_forwarded_headers_are_not_trusted(tmp_path: Path) -> None:
    with served(tmp_path) as (line, _):
        found = re.match(r"Ready: open (http://127\.0\.0\.1:\d+) in a browser\. Ctrl-C stops it\.", line)
        assert found is not None
        request = urllib.request.Request(found[1], headers={"X-Forwarded-Proto": "https"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (the address is ours)
            assert answer.read() == b"http"


def test_the_access_log_names_no_visitor_no_query_and_no_secret(tmp_path: Path) -> None:
    with served(tmp_path, "--access-logfile", "-") as (line, server):
        for path in ("/credits?q=somebody", "/shared/secret/statement.pdf"):
            url = f"{line.split()[2]}{path}"
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (the address is ours)
                answer.read()
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=60)
    (logged,) = [line for line in said.splitlines() if "/credits" in line]
    assert re.fullmatch(r'\[.+\] "GET /credits" 200 \S+ bytes \d+ ms -', logged)
    assert '"GET /shared/***/statement.pdf" 200' in said
    assert "secret" not in said


def test_ctrl_c_stops_the_server_cleanly(tmp_path: Path) -> None:
    with served(tmp_path, "--log-level", "warning") as (_, server):
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=60)
    assert server.returncode == 0
    assert said == "Stopped.\n"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("Traceback …\n  File …\nValueError: no such database\n", "ValueError: no such database"),
        ("a.b.OperationalError: refused\n[SQL: SELECT 1]\n(Background …)\n", "a.b.OperationalError: refused"),
        ("INFO: one\nError: SECRET_KEY is too short.\nINFO: two\n", "Error: SECRET_KEY is too short."),
        ("nothing that looks like an error\n", "nothing that looks like an error"),
        ("", "no reason given"),
    ],
)
def test_a_failed_migration_is_told_in_its_own_words(output: str, line: str) -> None:
    assert serve.reason(output) == line


class Workshop:
    """A folder to set up, with the slow parts replaced: what is tested is when they are needed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.made = self.installed = 0
        (root / "requirements.txt").write_text("flask==3.1\n")
        monkeypatch.setattr(environment, "_make", self._make)
        monkeypatch.setattr(environment, "_install", self._install)

    def _make(self, venv: Path, _lock: int) -> None:
        self.made += 1
        shutil.rmtree(venv, ignore_errors=True)
        (venv / "bin").mkdir(parents=True)
        python = venv / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)

    def _install(self, python: Path, _requirements: Path, _lock: int) -> None:
        self.installed += 1
        if "interrupt" in _requirements.read_text():
            raise KeyboardInterrupt
        assert python.exists()

    def prepare(self) -> tuple[int, int]:
        """How often an environment was made and filled by one set-up."""
        self.made = self.installed = 0
        with environment.alone(self.root) as lock:
            environment.prepare("requirements.txt", self.root, lock)
        return self.made, self.installed


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    folder = tmp_path / "ledger"
    folder.mkdir()
    return Workshop(folder, monkeypatch)


def test_a_finished_set_up_is_not_repeated(workshop: Workshop) -> None:
    assert workshop.prepare() == (1, 1)
    assert workshop.prepare() == (0, 0)


def test_changed_requirements_are_installed_into_the_same_environment(workshop: Workshop) -> None:
    workshop.prepare()
    (workshop.root / "requirements.txt").write_text("flask==3.2\n")
    assert workshop.prepare() == (0, 1)


def test_an_interrupted_set_up_starts_over(workshop: Workshop) -> None:
    workshop.prepare()
    (workshop.root / "requirements.txt").write_text("interrupt\n")
    with pytest.raises(KeyboardInterrupt):
        workshop.prepare()
    (workshop.root / "requirements.txt").write_text("flask==3.1\n")
    assert workshop.prepare() == (1, 1)


def test_an_environment_that_was_moved_is_made_again(workshop: Workshop) -> None:
    workshop.prepare()
    workshop.root = workshop.root.rename(workshop.root.with_name("elsewhere"))
    assert workshop.prepare() == (1, 1)


def test_an_environment_whose_python_has_gone_is_made_again(workshop: Workshop) -> None:
    workshop.prepare()
    python = workshop.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to(workshop.root / "gone")
    assert workshop.prepare() == (1, 1)


def test_a_record_that_was_cut_off_means_an_unfinished_set_up(workshop: Workshop) -> None:
    workshop.prepare()
    (workshop.root / ".venv" / environment.RECORD).write_text('{"fol')
    assert workshop.prepare() == (1, 1)


def test_an_environment_made_by_hand_is_kept(workshop: Workshop) -> None:
    workshop.prepare()
    (workshop.root / ".venv" / environment.RECORD).unlink()
    assert workshop.prepare() == (0, 1)


def test_a_folder_that_cannot_be_written_is_one_line(workshop: Workshop) -> None:
    (workshop.root / ".venv").write_text("in the way")
    with pytest.raises(CommandError, match=r"Cannot set up .*\.venv.*: Not a directory\."):
        workshop.prepare()


def test_a_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from scripts.environment import alone\n"
    program += "with alone(Path(sys.argv[1])): print('inside')"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with environment.alone(tmp_path):
        second = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline().startswith("Waiting for another set-up")
    assert second.communicate(timeout=60)[0] == "inside\n"


def test_the_newest_postgresql_server_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9.6", "15", "17"):
        programs = tmp_path / version / "bin"
        programs.mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (programs / name).touch(0o755)
    (tmp_path / "17/bin/initdb").unlink()
    monkeypatch.setattr(machine, "POSTGRESQL_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", "")
    assert machine.find_postgresql() == tmp_path / "15/bin"


@pytest.fixture
def asked_of_apt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What apt-get is asked for on a machine that has nothing."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(machine, "find_postgresql", lambda: None)
    monkeypatch.setattr(machine, "find_chromium", lambda: None)
    monkeypatch.setattr(machine, "_no_cluster", contextlib.nullcontext)
    monkeypatch.setattr(machine, "_apt", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(shutil, "which", lambda _name: "/usr/bin/apt-get")
    return asked


def test_root_has_what_is_missing_installed(
    asked_of_apt: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.install_missing()
    assert asked_of_apt[0] == ("update",)
    assert {"postgresql", "chromium"} <= {name for arguments in asked_of_apt for name in arguments}


def test_an_ordinary_user_is_never_asked_for_a_password(
    asked_of_apt: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.install_missing()
    assert asked_of_apt == []


def test_make_help_explains_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    explained = {line.split()[0] for line in told.stdout.splitlines()[1:]}
    assert explained == targets - {"development"}  # a step of the others, not for people


def test_running_and_testing_pin_the_same_versions() -> None:
    pins = [
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    ]
    assert pins[0] <= pins[1]
