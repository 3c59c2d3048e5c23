"""Fixtures of the browser tests: pages of a real server, watched for errors.

- `visit`: opens a page of a server in a new browser context.
- `visit_module`: the same for a page that all tests of a module share; they end with `assert_nothing_wrong`.
- `ledger`: a server that all tests share; each test uses its own credits.

Every page of `visit` is watched. A test fails if a page writes an error to the console, violates its content
security policy, requests another host, or gets an error response. Expected errors are declared with
`expects(page, 409)`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect

from tests.fixtures.ledger import making_databases
from tests.fixtures.server import PATIENCE_S, Server, serving

# Chromium logs this for each response above 399; `Watch.see_response` checks those.
STATUS_MESSAGE: Final = "Failed to load resource: the server responded with a status of "
# A request that the page aborted: another link was clicked, or a newer search replaced it.
GIVEN_UP: Final = "net::ERR_ABORTED"

expect.set_options(timeout=PATIENCE_S * 1000)


class Watch:
    """Watches the pages of a context and collects errors."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.wrong: list[str] = []
        self.expected: set[int] = set()
        self.excused: tuple[str, ...] = ()
        self._host = urlsplit(server.url).netloc
        context.on("console", self.see_message)
        context.on("weberror", lambda error: self.wrong.append(f"uncaught: {error.error}"))
        context.on("request", self.see_request)
        context.on("requestfailed", self.see_failure)
        context.on("response", self.see_response)

    def see_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(STATUS_MESSAGE):
            self.wrong.append(f"console {message.type}: {message.text}")

    def see_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.netloc != self._host:
            self.wrong.append(f"asked another host: {request.url}")

    def see_failure(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self.wrong.append(f"no answer: {request.url}: {request.failure}")

    def see_response(self, response: Response) -> None:
        is_asked_for = response.request.resource_type in {"document", "fetch"}
        if response.status >= 400 and not (is_asked_for and response.status in self.expected):
            self.wrong.append(f"{response.status}: {response.url}")

    def verdict(self) -> list[str]:
        """Return the unexpected errors."""
        return [said for said in self.wrong if not any(text in said for text in self.excused)]


_watches: dict[BrowserContext, Watch] = {}


def expects(page: Page, *statuses: int) -> None:
    """Declare the error statuses that this page is expected to get."""
    _watches[page.context].expected.update(statuses)


def assert_nothing_wrong(page: Page) -> None:
    """Fail if this page had unexpected errors since the last call."""
    watch = _watches[page.context]
    wrong = watch.verdict()
    watch.wrong.clear()
    assert not wrong, wrong


def cut_off(page: Page, address: str) -> None:
    """Abort requests to this address pattern, as without a network."""
    page.route(address, lambda route: route.abort())
    _watches[page.context].excused = ("net::ERR_FAILED", "Failed to fetch")


@contextmanager
def answering_no_write(server: Server) -> Iterator[None]:
    """Lock the SQLite database, so that no write is answered before the block ends.

    All clicks of the block then happen on the same page, however slow the machine is.
    """
    with closing(
        sqlite3.connect(server.database_url.removeprefix("sqlite:///"), isolation_level=None)
    ) as other_writer:
        other_writer.execute("BEGIN IMMEDIATE")
        yield
        other_writer.execute("ROLLBACK")


class Visit(Protocol):
    """Opens a page of a server in a new browser context."""

    def __call__(self, server: Server, **options: Any) -> Page: ...  # noqa: ANN401 - as playwright has them


@contextmanager
def visiting(browser: Browser) -> Iterator[Visit]:
    """Give a function that opens a page in a new context, with playwright's options."""
    contexts: list[BrowserContext] = []

    def visit(server: Server, **options: Any) -> Page:  # noqa: ANN401 - as playwright has them
        context = browser.new_context(base_url=server.url, **options)
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        _watches[context] = Watch(context, server)
        return context.new_page()

    yield visit
    for context in contexts:
        context.close()
    wrong = [said for context in contexts for said in _watches.pop(context).verdict()]
    assert not wrong, wrong


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return a function that opens a page for this test."""
    with visiting(browser) as visit:
        yield visit


@pytest.fixture(scope="module")
def visit_module(browser: Browser) -> Iterator[Visit]:
    """Return a function that opens a page for all tests of this module."""
    with visiting(browser) as visit:
        yield visit


@pytest.fixture(scope="session")
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return an SQLite server that the tests of a process share."""
    folder = tmp_path_factory.mktemp("browser")
    with making_databases(request) as make_database, serving(folder) as serve:
        yield serve(make_database("sqlite"))
