"""Many sign-ins with wrong passwords at once do not delay other requests."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.fixtures.forms import form_of
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import Answer, Client, Serve, Server
from tests.fixtures.users import an_administrator
from webapp.accounts.passwords import WAITING_MAX

CLIENTS = 32
# How long each check of a password takes in `slow_hash_app`, seconds.
HASH_S = 1.5
WORKERS = 2


@pytest.fixture
def server(make_database: MakeDatabase, serve: Serve) -> Server:
    """Return a server with an account, on which each check of a password takes HASH_S."""
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
    server = serve(database_url, app="tests.hostile.slow_hash_app:app")
    server.expects_busy = True
    return server


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        yield pool


def ready_to_guess(server: Server, number: int) -> tuple[Client, bytes, dict[str, str]]:
    """Return a client with the sign-in page open, and the body and the headers that it will send."""
    client = server.client()
    page = client.get("/sign-in")
    token = form_of(page.body.decode(), "/sign-in").values["csrf_token"][0]
    fields = {"csrf_token": token, "name": f"Name {number}", "password": "a wrong password"}
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    return (
        client,
        urlencode(fields).encode(),
        {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
    )


def test_many_wrong_passwords_at_once_do_not_delay_other_requests(
    server: Server, pool: ThreadPoolExecutor
) -> None:
    ready = [ready_to_guess(server, number) for number in range(CLIENTS)]
    guesses: list[Future[Answer]] = [
        pool.submit(client.send, "POST", "/sign-in", body, headers) for client, body, headers in ready
    ]
    client, waited = server.client(), []
    while not all(guess.done() for guess in guesses):
        waited.append(client.get("/healthz").seconds)
    assert max(waited) < HASH_S  # it would wait at least this long if all threads were checking passwords
    answers = [guess.result() for guess in guesses]
    assert sum(answer.status == 422 for answer in answers) <= WORKERS * WAITING_MAX
    assert {answer.status for answer in answers} == {422, 503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status == 503)
    assert max(answer.seconds for answer in answers) < (WAITING_MAX + 2) * HASH_S
