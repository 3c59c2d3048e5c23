"""Each new checkpoint leaves the machine: to a folder, a command, or a witness that cosigns it."""

import sys
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import SECRET_KEY, MakeDatabase, log_keys_of, opened
from tests.fixtures.server import Serve
from webapp.config import BadSetting, Settings
from webapp.domain.checkpoint_destinations import Destination, Kind, parse_destinations
from webapp.domain.signed_note import Note, SignatureType, VerifierKey
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import checkpoints, destinations, signing
from webapp.ledger.transparency.key_folder import key_folder
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
    (folder / "key.next").write_text(key.secret_text)


LOG_KEY = SigningKey("log.example", bytes(range(32)))
WITNESS_KEY = VerifierKey("w.example", SignatureType.COSIGNATURE, LOG_KEY.public_key)


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("command publish --token s3cr3t", "command publish"),
        (f"witness https://me:s3cr3t@w.example/s3cr3t {WITNESS_KEY}", "witness w.example"),
        ("folder /srv/log", "folder /srv/log"),
    ],
)
def test_a_destination_is_shown_without_its_secrets(setting: str, shown: str) -> None:
    (destination,) = parse_destinations(setting)
    assert destination.shown == shown


def test_kept_keys_of_witnesses_that_cannot_be_read_are_left_out(ledger_app: object) -> None:
    del ledger_app
    file = key_folder().path / "witness-keys"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\xff\n" + str(WITNESS_KEY).encode() + b"\n")
    assert destinations.witness_keys() == [WITNESS_KEY]
    file.unlink()
    file.mkdir()
    assert destinations.witness_keys() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("folder relative", "must begin with a slash: folder PATH, not 'folder relative'"),
        ("ftp x", "must have the form: folder PATH, .*; 'ftp' is none of these"),
        ("witness https://w.example", "a URL and a key, which are two words and not 1"),
        ("witness w.example KEY", "begins with http:// or https:// and a host, not ''"),
        ("witness https://w.example KEY", "at w.example: A key is a name, .* not 'KEY'"),
        (f"witness https://w.example {LOG_KEY.verifier}", r"log\.example.* is that of a log"),
        ("command ", "a command needs the path of its program"),
        ("command publish 'now", "the quotes of a command do not match"),
    ],
)
def test_a_setting_that_names_no_destination_is_refused_with_the_rule(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_destinations(wrong)


@pytest.mark.parametrize(
    "setting",
    [
        "command publish --token s3cr3t-of-mine 'open",
        "publish --token s3cr3t-of-mine",
        "witness https://me:s3cr3t-of-mine@w.example KEY",
        "witness me:s3cr3t-of-mine@w.example KEY",
        f"witness https://w.example {replace(LOG_KEY, name='s3cr3t-of-mine').secret_text}",
    ],
)
def test_no_secret_in_a_setting_is_quoted(setting: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_destinations(setting)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("log.example", "joined by plus signs; not 'log.example'"),
        ("log.example+00000000+AAAA", "The key 'log.example.00000000.AAAA' is neither an Ed25519 key"),
        ("log.example+00000000+A", "third part of the key 'log.example.00000000.A': This is not base64"),
        (str(LOG_KEY.verifier).replace(LOG_KEY.name, "x"), "does not belong to its name .* it would be"),
        (str(LOG_KEY.cosignature_verifier), "is the key of a witness. Those of a log"),
        (LOG_KEY.secret_text, "WITNESS_LOGS: This is a private key"),
    ],
)
def test_what_is_no_key_of_a_log_is_quoted_with_the_rule(
    monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("WITNESS_LOGS", given)
    with pytest.raises(BadSetting, match=said) as refused:
        Settings.from_environment()
    assert b64encode(LOG_KEY.seed).decode()[:20] not in str(refused.value)


def test_the_setting_names_several_destinations() -> None:
    key = SigningKey.generate("w.example").cosignature_verifier
    setting = f"folder /var/checkpoints; command publish --now ; witness https://w.example/a/ {key};"
    assert parse_destinations(setting) == (
        Destination(Kind.FOLDER, "/var/checkpoints"),
        Destination(Kind.COMMAND, "publish --now"),
        Destination(Kind.WITNESS, "https://w.example/a", key),
    )
