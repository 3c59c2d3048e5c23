"""The image and the compose file, as far as they can be checked without a container engine."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask

from server import health_check
from server.settings import Address
from tests.fixtures.ledger import SECRET_KEY
from tests.fixtures.server import eventually
from webapp.config import ROOT, Settings

DOCKERFILE: Final = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
IGNORED: Final = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
PINNED: Final = r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+"


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name."""
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE, re.MULTILINE)


def copied() -> Iterator[tuple[str, str]]:
    """Yield the files and folders of the project that the image has, and where."""
    for arguments in instructions("COPY"):
        *sources, target = arguments.split()
        if not sources[0].startswith("--"):
            yield from ((source, target) for source in sources)


def test_everything_that_is_copied_is_in_the_project_and_in_the_context() -> None:
    sources = {source for source, _ in copied()}
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert {line.removeprefix("!") for line in IGNORED if line.startswith("!")} == sources


def test_the_context_leaves_out_everything_else() -> None:
    rules = [line for line in IGNORED if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(re.search(r"instance|\.git|\.venv|tests", rule) for rule in rules)


def test_images_are_pinned_to_a_version() -> None:
    bases = [line.partition(" AS ")[0] for line in instructions("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    for image in (bases[0], COMPOSE["services"]["database"]["image"]):
        assert re.fullmatch(PINNED, image), image


def test_the_image_has_the_python_that_the_tests_run_on() -> None:
    assert instructions("FROM")[-1].startswith(f"python:3.{sys.version_info.minor}.")


def test_only_locked_packages_are_installed() -> None:
    [installing] = [line for line in instructions("RUN") if "pip install" in line]
    assert "--require-hashes" in installing
    assert "--requirement requirements.txt" in installing


def test_the_server_does_not_run_as_root_and_owns_only_its_data() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    [user] = re.findall(r"^USER (\d+):(\d+)$", last_stage, re.MULTILINE)
    assert "0" not in user
    assert re.findall(r"--owner=ledger .*", last_stage) == [
        "--owner=ledger --group=ledger --mode=700 instance"
    ]
    assert "--chown" not in DOCKERFILE


def test_the_only_volume_is_the_folder_of_the_database_and_the_key() -> None:
    assert instructions("VOLUME") == ["/srv/ledger/instance"]
    assert instructions("WORKDIR")[-1] == "/srv/ledger"


def test_the_health_check_asks_a_route_of_the_program(app: Flask) -> None:
    [command] = instructions("HEALTHCHECK")
    assert command.endswith(f'CMD ["python", "-m", "{health_check.__name__}"]')
    assert health_check.PATH in {rule.rule for rule in app.url_map.iter_rules()}


def test_the_compose_file_publishes_the_ledger_on_this_machine_only() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_the_compose_file_serves_as_an_account_that_owns_nothing() -> None:
    environments = {name: service["environment"] for name, service in COMPOSE["services"].items()}
    assert environments["web"]["DATABASE_URL"].startswith("postgresql://ledger_web:")
    assert "OWNER" not in str(environments["web"])
    assert "flask grant ledger_web" in COMPOSE["services"]["migrate"]["command"][-1]


def test_what_the_compose_file_mounts_is_in_the_project() -> None:
    mounted = [each for service in COMPOSE["services"].values() for each in service.get("volumes", [])]
    assert mounted
    for mount in mounted:
        source = mount.partition(":")[0]
        assert source in COMPOSE["volumes"] or (ROOT / source).is_file()


def test_the_settings_of_the_compose_file_are_settings_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in COMPOSE["services"]["web"]["environment"].items():
        unset = re.sub(r"\$\{\w+:-(\w*)\}", lambda default: default[1], value)
        monkeypatch.setenv(name, re.sub(r"\$\{\w+\}", "x", unset))
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    given = Settings.from_environment()
    assert given.database_url == "postgresql://ledger_web:x@database/ledger"
    assert given == Settings(given.database_url, SECRET_KEY)


def test_the_compose_file_passes_every_setting_on_but_those_of_the_container() -> None:
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Settings")[2]
    rows = [line for line in table.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split(" | ")[0])}
    passed = set(COMPOSE["services"]["web"]["environment"])
    assert documented - passed == {"HOST", "PORT", "SETUP_CODE_HASH"}
    assert passed <= documented


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a folder with the files that the image has, and no others."""
    folder = tmp_path / "ledger"
    for source, target in copied():
        if source == "requirements.txt":
            continue
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        destination = folder / target / ("" if (ROOT / source).is_dir() else source)
        destination.parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, destination)
    (folder / "instance").mkdir(mode=0o700)
    return folder


@pytest.mark.slow
def test_the_files_of_the_image_are_all_that_the_program_needs(image: Path) -> None:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "SECRET_KEY"}}
    environment = {**kept, "FLASK_APP": "wsgi", "HOST": "127.0.0.1", "PORT": str(port)}
    run = partial(subprocess.run, cwd=image, env=environment, capture_output=True, text=True, check=False)
    migrated = run([sys.executable, "-m", "flask", "db", "upgrade"])
    assert migrated.returncode == 0, migrated.stderr
    assert run([sys.executable, "-m", "server.health_check"]).returncode == 1
    [command] = instructions("CMD")
    program, *arguments = re.findall(r'"([^"]+)"', command)
    with (image / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", program, *arguments], cwd=image, env=environment, stdout=log, stderr=log
        )
    try:
        eventually(lambda: "Ready: open" in (image / "log").read_text(), "the server listens")
        checked = run([sys.executable, "-m", "server.health_check"])
        assert checked.returncode == 0, checked.stdout
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert server.returncode == 0
    assert (image / "instance" / "ledger.sqlite3").is_file()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    Address("127.0.0.1", port).check_free()
    return port
