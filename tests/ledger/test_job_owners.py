"""Names of processes that own jobs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.ledger.background import owners


def test_a_process_of_another_start_of_a_machine_is_not_taken_for_one_of_this(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    owner = owners.owner_name().replace(f":{os.getpid()}:", f":{process.pid}:")
    assert owners.has_ended(owner)
    other = tmp_path / "boot_id"
    other.write_text("another")
    monkeypatch.setattr(owners, "_START", other)
    assert not owners.has_ended(owner)
