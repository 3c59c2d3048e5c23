"""Each new checkpoint leaves the machine: to a folder, a command, or a witness that cosigns it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, log_keys_of, opened
from tests.fixtures.server import Serve
from webapp.domain.checkpoint_destinations import Destination, Kind, parse_destinations
from webapp.domain.signed_note import Note
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import checkpoints, destinations, signing
from webapp.ledger.transparency.keys import SigningKey, verify
from webapp.ledger.transparency.witness import Witness


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


@pytest.fixture
def sends_to(ledger_app: object) -> Callable[..., None]:
    del ledger_app
    return lambda *targets: destinations.use(db.engine, targets)


def sign(serial_number: str) -> None:
    recorded(serial_number=serial_number)
    signing.sign()
    destinations.deliver_all()


def test_a_folder_has_every_checkpoint_as_it_was_signed(
    sends_to: Callable[..., None], tmp_path: Path
) -> None:
    sends_to(Destination(Kind.FOLDER, str(tmp_path)))
    sign("1")
    sign("2")
    last = checkpoints.latest()
    assert last is not None
    files = {path.name.rpartition("-")[2]: path.read_text() for path in tmp_path.glob("*.checkpoint")}
    assert set(files) == {"1.checkpoint", "2.checkpoint"}
    assert files["2.checkpoint"] == last.note
    assert [(each.size, each.failure) for each in destinations.deliveries()] == [(2, "")]


def test_a_command_gets_each_checkpoint_once_and_without_a_shell(
    sends_to: Callable[..., None], tmp_path: Path
) -> None:
    kept = tmp_path / "kept; echo $HOME"
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    sends_to(Destination(Kind.COMMAND, f'{sys.executable} -c "{program}" "{kept}"'))
    sign("1")
    destinations.deliver_all()
    last = checkpoints.latest()
    assert last is not None
    assert kept.read_text() == last.note


def test_what_fails_is_said_and_tried_again_later(
    sends_to: Callable[..., None], tmp_path: Path, set_clock: SetClock
) -> None:
    missing = tmp_path / "missing"
    sends_to(Destination(Kind.FOLDER, str(missing)), Destination(Kind.COMMAND, "false"))
    sign("1")
    folder, command = destinations.deliveries()
    assert "No such file or directory" in folder.failure
    assert command.failure == "The command ended with 1: "
    missing.mkdir()
    destinations.deliver_all()
    assert not list(missing.iterdir())
    set_clock.go(seconds=61)
    destinations.deliver_all()
    assert destinations.deliveries()[0].size == 1
    assert destinations.deliveries()[0].failure == ""


def test_a_witness_over_http_cosigns_the_log_and_refuses_it_forked(
    serve: Serve, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, other, forked = (make_database("sqlite") for _ in range(3))
    with opened(log):
        sign("1")
        (log_key, *_) = checkpoints.keys()
        monkeypatch.setenv("WITNESS_LOGS", str(log_key))
        server = serve(other)
        key = Witness(log_keys_of(other), "carbon-credit-ledger/witness", ()).key().cosignature_verifier
        target = Destination(Kind.WITNESS, f"{server.url}/witness", key)
        destinations.use(db.engine, [target])
        for serial_number in ("2", "3"):
            sign(serial_number)
            last = checkpoints.latest()
            assert last is not None
            note = Note.parse(last.note)
            assert [each.failure for each in destinations.deliveries()] == [""]
            assert verify(key, note.text, note.signatures[-1])
    forge(log, forked)
    with opened(forked):
        destinations.use(db.engine, [target])
        for serial_number in ("4", "5", "6"):
            recorded(serial_number=serial_number)
        sign("7")
        (delivery,) = destinations.deliveries()
        assert delivery.failure.startswith("The witness answered 422: The checkpoint does not follow")


def forge(log: str, forked: str) -> None:
    """Give an empty ledger the key of a log, as the operator of a forged log would."""
    (path,) = log_keys_of(log).glob("*/key")
    key = SigningKey.parse(path.read_text())
    folder = log_keys_of(forked) / path.parent.name
    folder.mkdir(parents=True)
    (folder / "key").write_text(key.secret_text)


@pytest.mark.parametrize(
    "wrong", ["folder relative", "ftp x", "witness https://w.example", "witness w.example KEY", "command "]
)
def test_a_setting_that_names_no_destination_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"must have the form|the key of"):
        parse_destinations(wrong)


def test_the_setting_names_several_destinations() -> None:
    key = SigningKey.generate("w.example").cosignature_verifier
    setting = f"folder /var/checkpoints; command publish --now ; witness https://w.example/a/ {key};"
    assert parse_destinations(setting) == (
        Destination(Kind.FOLDER, "/var/checkpoints"),
        Destination(Kind.COMMAND, "publish --now"),
        Destination(Kind.WITNESS, "https://w.example/a", key),
    )
