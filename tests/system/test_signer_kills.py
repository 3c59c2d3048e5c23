"""`kill -9` while nodes are stored and checkpoints are signed, and processes that sign at once."""

import signal
import subprocess
import sys

import pytest

from tests.fixtures.ledger import RawClient, opened
from tests.fixtures.log import expected_nodes, fill, leaves_of, nodes_of
from tests.fixtures.server import environment_for
from tests.ledger.audit.tampering import findings
from tests.system.dying_signer import RECORDED, Moment
from webapp.config import ROOT
from webapp.ledger.transparency import checkpoints, signing

PATIENCE_S = 120


def started(database_url: str, moment: Moment) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.system.dying_signer", moment]
    return subprocess.Popen(command, env=environment_for(database_url), cwd=ROOT)


@pytest.mark.parametrize(
    ("moment", "recorded", "stored"),
    [
        (Moment.AFTER_NODE, 0, []),
        (Moment.AFTER_COMMIT, RECORDED, []),
        (Moment.AFTER_SIGNATURE, RECORDED, []),
        (Moment.AFTER_FILE, RECORDED, [RECORDED]),
    ],
)
def test_the_log_is_consistent_wherever_the_process_died(
    database_url: str, raw: RawClient, moment: Moment, recorded: int, stored: list[int]
) -> None:
    assert started(database_url, moment).wait(PATIENCE_S) == -signal.SIGKILL
    assert len(leaves_of(raw)) == recorded
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))
    assert raw.execute("SELECT size FROM checkpoints") == []
    with opened(database_url):
        fill(1_000, 1_009)
        signing.sign()
        assert findings() == []
        assert checkpoints.status().state is checkpoints.State.SIGNING
    sizes = [size for (size,) in raw.execute("SELECT size FROM checkpoints ORDER BY size")]
    assert sizes == [*stored, recorded + 10]


def test_processes_sign_one_after_the_other(database_url: str, raw: RawClient) -> None:
    processes = [started(database_url, Moment.NEVER) for _ in range(3)]
    assert [process.wait(PATIENCE_S) for process in processes] == [0, 0, 0]
    assert len(leaves_of(raw)) == 3 * RECORDED
    assert raw.execute("SELECT count(*) FROM log_keys") == [(1,)]
    with opened(database_url):
        assert findings() == []
        latest = checkpoints.latest()
        assert latest is not None
        assert latest.checkpoint.size == 3 * RECORDED
