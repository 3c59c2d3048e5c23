"""One password is hashed at a time in a process, some wait, and the others are refused."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from flask import Flask

from tests.fixtures.forms import form_of, submit
from tests.fixtures.ledger import RawClient
from tests.fixtures.server import eventually
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from tests.web.pages import words
from webapp.accounts import login, passwords, users
from webapp.accounts.actors import CLI
from webapp.accounts.errors import LoginFailed, LoginsBusy
from webapp.config import ROOT

THREADS = 32
HERE = "192.0.2.1"


class SlowHash:
    """Replaces the hash function: each call blocks until `go` is set. Counts concurrent calls."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.most_at_once = 0
        self.order: list[str] = []
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self, _hashed: str, password: str) -> bool:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            self.order.append(password)
        self.go.wait(30)
        with self._lock:
            self._running -= 1
        return False


def waiting() -> int:
    """Return the number of passwords that wait."""
    return passwords._hashing._work_queue.qsize()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHash]:
    """Block every check of a password until the test releases it."""
    slow = SlowHash()
    monkeypatch.setattr(passwords, "check_password_hash", slow)
    yield slow
    slow.go.set()


@pytest.fixture
def start() -> Iterator[Callable[[str], Future[bool]]]:
    """Return a function that starts a check of a password in a thread."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda password: pool.submit(passwords.matches, None, password)


def test_one_password_is_hashed_at_a_time_however_many_come(
    slow: SlowHash, start: Callable[[str], Future[bool]]
) -> None:
    checks = [start(f"password {number:02}") for number in range(THREADS)]
    eventually(lambda: sum(check.done() for check in checks) == THREADS - passwords.WAITING_MAX, "refused")
    slow.go.set()
    outcomes = [type(check.exception(30)) for check in checks]
    assert outcomes.count(type(None)) == passwords.WAITING_MAX
    assert outcomes.count(LoginsBusy) == THREADS - passwords.WAITING_MAX
    assert slow.most_at_once == passwords.HASHED_AT_ONCE


def test_those_that_wait_have_their_turn_in_the_order_they_came(
    slow: SlowHash, start: Callable[[str], Future[bool]]
) -> None:
    names = [f"password {number}" for number in range(passwords.WAITING_MAX)]
    for number, name in enumerate(names):
        start(name)
        eventually(lambda: len(slow.order) + waiting() == number + 1, "it waits")  # noqa: B023 - asked at once
    slow.go.set()
    eventually(lambda: len(slow.order) == len(names), "all were checked")
    assert slow.order == names


def test_at_least_half_of_the_threads_of_a_process_are_left_for_others() -> None:
    found = re.search(r"^threads = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) >= 2 * passwords.WAITING_MAX


def test_a_place_is_free_again_after_each_check(slow: SlowHash) -> None:
    slow.go.set()
    for _ in range(2 * passwords.WAITING_MAX):
        assert not passwords.matches(None, PASSWORD)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that fills the queue of passwords."""
    return lambda: monkeypatch.setattr(passwords, "_hashing_slots", threading.BoundedSemaphore(0))


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_a_sign_in_that_was_not_tried_is_not_counted(full: Callable[[], None], raw: RawClient) -> None:
    a_user("Oscar")
    with pytest.raises(LoginFailed):
        login.sign_in("Oscar", "a wrong password", HERE)
    counted = raw.execute("SELECT id, name_hash, at FROM sign_in_failures")
    full()
    for password in ("a wrong password", PASSWORD):
        with pytest.raises(LoginsBusy, match="Too many passwords are being checked"):
            login.sign_in("Oscar", password, HERE)
    assert raw.execute("SELECT id, name_hash, at FROM sign_in_failures") == counted


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_a_change_of_a_password_that_was_not_tried_is_not_counted(
    full: Callable[[], None], raw: RawClient
) -> None:
    oscar = a_user("Oscar")
    full()
    with pytest.raises(LoginsBusy):
        login.change_password(oscar.id, PASSWORD, "another good one", address=HERE)
    assert raw.execute("SELECT * FROM sign_in_failures") == []


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_nobody_is_added_or_given_a_password_meanwhile(full: Callable[[], None]) -> None:
    ada = an_administrator("Ada")
    oscar = a_user("Oscar")
    full()
    with pytest.raises(LoginsBusy):
        users.add("Vera", oscar.role, PASSWORD, ada.actor)
    with pytest.raises(LoginsBusy):
        users.set_password(oscar.id, "another good one", CLI)
    assert [user.name for user in users.list_all()] == ["Ada", "Oscar"]


@pytest.mark.usefixtures("quick_passwords")
def test_the_page_says_when_to_come_back_and_keeps_the_name(
    ledger_app: Flask, full: Callable[[], None]
) -> None:
    an_administrator("Ada")
    client = ledger_app.test_client()
    page = client.get("/sign-in")
    full()
    answer = submit(client, page, "/sign-in", name="Ada", password=PASSWORD)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many passwords are being checked" in words(answer)
    assert form_of(answer, "/sign-in").values["name"] == ["Ada"]
