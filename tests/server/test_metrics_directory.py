"""The directory of metrics: one for each start of the server, none left behind."""

import fcntl
import os
from pathlib import Path

from server import metrics_directory


def test_directories_that_no_server_uses_are_removed(tmp_path: Path) -> None:
    unused, used, other = (tmp_path / name for name in ("ledger-1", "ledger-2", "other-3"))
    for directory in (unused, used, other):
        directory.mkdir()
        (directory / "counter_1.db").write_bytes(b"x")
    descriptor = os.open(used, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    metrics_directory.remove_unused(tmp_path, "ledger-")
    os.close(descriptor)
    assert sorted(tmp_path.iterdir()) == [used, other]


def test_a_link_to_another_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "ledger-1").symlink_to(tmp_path / "other")
    metrics_directory.remove_unused(tmp_path, "ledger-")
    assert (tmp_path / "other").is_dir()
