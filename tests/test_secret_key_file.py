"""The key that signs sessions and forms: where it comes from, who can read it, how it is rotated."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.cli import one_line, run
from tests.fixtures.credits import a_credit
from tests.fixtures.forms import submit
from tests.fixtures.ledger import LedgerClient, MakeDatabase, connected, opened
from tests.fixtures.users import a_token, an_administrator
from tests.ledger.audit.tampering import findings
from webapp import config, create_app
from webapp.accounts import sessions, tokens
from webapp.config import BadSetting, Settings
from webapp.domain.row_mac import TokenRow, mac_of, row_key
from webapp.ledger.storage.engine import db

EARLY, LATE = "2026-11-01T00:00:00.000000Z", "2027-11-01T00:00:00.000000Z"
OLD, NEW, NEWER = ("o" * 64, "n" * 64, "e" * 64)


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start for the first time: an empty folder, and nothing in the environment."""
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")
    return tmp_path / "instance"


def key_file(instance: Path, content: str, mode: int = 0o600) -> Path:
    instance.mkdir()
    path = instance / "secret_key"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_the_first_start_makes_a_key_that_only_its_owner_reads(instance: Path) -> None:
    made = Settings.from_environment()
    assert len(made.secret_key) == 64
    assert (instance / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in instance.iterdir()] == ["secret_key"]
    assert instance.stat().st_mode & 0o777 == 0o700
    assert Settings.from_environment().secret_key == made.secret_key


def test_a_key_file_that_others_can_read_is_closed_and_told_of(
    instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = key_file(instance, OLD, mode=0o644)
    assert Settings.from_environment().secret_key == OLD
    assert path.stat().st_mode & 0o777 == 0o600
    assert "was readable by others (mode 644)" in caplog.text
    assert OLD not in caplog.text


def test_a_key_file_of_another_owner_that_others_can_read_is_refused(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    key_file(instance, OLD, mode=0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(BadSetting, match=r"SECRET_KEY: .* is readable by others"):
        Settings.from_environment()


@pytest.mark.parametrize("content", ["", "\n", "short", f"{NEW}\nshort\n"])
def test_a_key_file_without_whole_keys_is_refused_and_its_content_not_shown(
    instance: Path, content: str
) -> None:
    key_file(instance, content)
    with pytest.raises(BadSetting, match=r"SECRET_KEY: .* does not hold keys") as refused:
        Settings.from_environment()
    assert "short" not in str(refused.value)


def test_a_folder_in_the_place_of_the_key_file_is_refused_in_one_line(instance: Path) -> None:
    (instance / "secret_key").mkdir(parents=True, mode=0o700)
    with pytest.raises(BadSetting, match=r"^SECRET_KEY: .*secret_key: Is a directory$"):
        Settings.from_environment()


def test_keys_before_come_from_the_environment_too(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file(instance, f"{NEW}\n{OLD}\n")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{NEWER}, {OLD}")
    assert Settings.from_environment().secret_key_fallbacks == (OLD, NEWER, OLD)
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    settings = Settings.from_environment()
    assert (settings.secret_key, settings.secret_key_fallbacks) == ("k" * 32, (NEWER, OLD))


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_short_key_is_refused_by_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "too short to sign")
    with pytest.raises(BadSetting, match=f"^{name}: must have at least 32 characters$"):
        Settings.from_environment()


def test_a_rotation_puts_a_new_key_first_and_keeps_one(instance: Path, make_database: MakeDatabase) -> None:
    path = key_file(instance, f"{NEW}\n{OLD}\n")
    with opened(make_database("sqlite")) as app:
        said = run(app, "rotate-secret-key")
    assert said.exit_code == 0
    newest, *kept = path.read_text().split()
    assert (len(newest), kept) == (64, [NEW])
    assert newest not in said.output
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_was_seen_is_forgotten_at_once(instance: Path, make_database: MakeDatabase) -> None:
    path = key_file(instance, OLD)
    with opened(make_database("sqlite")) as app:
        assert run(app, "rotate-secret-key", "--forget").exit_code == 0
    assert Settings.from_environment().secret_key_fallbacks == ()
    assert OLD not in path.read_text()


def test_a_key_of_the_environment_is_rotated_there(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", OLD)
    with opened(make_database("sqlite")) as app:
        assert "move it to SECRET_KEY_FALLBACKS" in one_line(run(app, "rotate-secret-key"))


@pytest.fixture
def token_of_the_file(instance: Path, make_database: MakeDatabase) -> tuple[str, str, Path]:
    """Make a token while the key file holds NEW and OLD; yield its secret, the database, and the file."""
    path, url = key_file(instance, f"{NEW}\n{OLD}\n"), make_database("sqlite")
    with with_keys(url, NEW, OLD):
        secret = a_token()
    return secret, url, path


@contextmanager
def with_keys(database_url: str, key: str, *fallbacks: str) -> Iterator[Flask]:
    """Open the application with these keys."""
    app: Flask = create_app(Settings(database_url, key, secret_key_fallbacks=fallbacks))
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.mark.parametrize("options", [(), ("--forget",)])
def test_a_token_works_after_a_rotation_and_verify_accounts_for_it(
    token_of_the_file: tuple[str, str, Path], options: tuple[str, ...]
) -> None:
    secret, url, path = token_of_the_file
    with with_keys(url, NEW, OLD) as app:
        assert "Tokens that go on working: 1." in run(app, "rotate-secret-key", *options).output
    keys = path.read_text().split()
    assert len(keys) == 2 - len(options)
    with with_keys(url, *keys):
        assert tokens.find(secret)
        assert findings() == []


def test_a_token_works_after_two_rotations_without_use(token_of_the_file: tuple[str, str, Path]) -> None:
    secret, url, path = token_of_the_file
    for _ in range(2):
        with with_keys(url, *path.read_text().split()) as app:
            run(app, "rotate-secret-key")
    with with_keys(url, *path.read_text().split()):
        assert tokens.find(secret)


def test_a_forgotten_key_ends_sessions(token_of_the_file: tuple[str, str, Path]) -> None:
    _, url, path = token_of_the_file
    with with_keys(url, NEW, OLD) as app:
        session = sessions.start(an_administrator().id)
        run(app, "rotate-secret-key", "--forget")
    with with_keys(url, *path.read_text().split()):
        assert sessions.find(session) is None
        assert findings() == []


def test_forgetting_a_key_accepts_no_token_that_the_account_log_does_not_have(
    token_of_the_file: tuple[str, str, Path],
) -> None:
    _, url, path = token_of_the_file
    forged = TokenRow(2, "x", "administrator", tokens.hash_of("ccl_" + "a" * 43), "cli", EARLY, LATE)
    with connected(url) as raw:
        code = mac_of(forged, row_key(NEW))
        row = (*astuple(forged), code)
        columns = "id, name, role, secret_hash, added_by, added_at, expires_at, mac"
        raw.execute(f"INSERT INTO tokens ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row)
    with with_keys(url, NEW, OLD) as app:
        said = run(app, "rotate-secret-key", "--forget").output
    assert "Refused, because their rows were not made by this program: 2." in said
    with with_keys(url, *path.read_text().split()):
        assert tokens.find("ccl_" + "a" * 43) is None


def test_keys_of_the_environment_are_forgotten_without_losing_tokens(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", NEW)
    url = make_database("sqlite")
    with with_keys(url, OLD):
        secret = a_token()
    with with_keys(url, NEW, OLD) as app:
        assert "Remove SECRET_KEY_FALLBACKS" in run(app, "rotate-secret-key", "--forget").output
    with with_keys(url, NEW):
        assert tokens.find(secret)


def started(database_url: str, key: str, *fallbacks: str) -> FlaskClient:
    """Start the program with these keys; return a client of it."""
    app: Flask = create_app(Settings(database_url, key, secret_key_fallbacks=fallbacks))
    app.testing = True
    app.test_client_class = LedgerClient
    return app.test_client()


def carried(client: FlaskClient, other: FlaskClient) -> FlaskClient:
    """Let a browser come to the other server with the cookies it has."""
    for cookie in client._cookies.values() if client._cookies else ():
        other.set_cookie(cookie.key, cookie.value)
    return other


def filled_in(client: FlaskClient, page: TestResponse) -> int:
    fields: dict[str, Any] = a_credit()
    return submit(client, page, "/credits/new", fields=fields).status_code


def test_a_form_that_was_open_while_the_key_was_rotated_is_accepted(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    before = started(url, OLD)
    page = before.get("/credits/new")
    assert filled_in(carried(before, started(url, NEW, OLD)), page) == 303


def test_a_form_of_a_forgotten_key_is_refused(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    before = started(url, OLD)
    page = before.get("/credits/new")
    assert filled_in(carried(before, started(url, NEWER, NEW)), page) == 403


def test_what_is_signed_after_a_rotation_is_signed_with_the_new_key(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    rotated = started(url, NEW, OLD)
    page = rotated.get("/credits/new")
    assert filled_in(carried(rotated, started(url, NEW)), page) == 303


def test_settings_do_not_show_what_is_secret() -> None:
    settings = Settings("postgresql://ledger:hunter2@db/ledger", OLD, secret_key_fallbacks=(NEW,))
    shown = f"{settings!r} {settings}"
    assert [secret for secret in ("hunter2", OLD, NEW) if secret in shown] == []


def test_no_log_line_and_no_answer_shows_the_password_of_the_database(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with opened("postgresql://nobody:hunter2@127.0.0.1:1/nothing") as app:
        answers = [app.test_client().get(path) for path in ("/", "/records", "/healthz")]
        told = run(app, "verify")
    assert {answer.status_code for answer in answers} == {503}
    said = "".join([caplog.text, told.output, *(answer.text for answer in answers)])
    assert "hunter2" not in said
