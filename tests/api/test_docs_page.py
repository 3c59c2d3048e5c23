"""The page at /docs in a real browser, under the Content-Security-Policy of every page."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server

pytestmark = pytest.mark.slow


@dataclass
class Seen:
    """An open page at /docs, the errors of the browser, and the hosts that it contacted."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def server(serve_module: Serve, make_module_database: MakeDatabase) -> Server:
    return serve_module(make_module_database("sqlite"))


@pytest.fixture(scope="module")
def operations(server: Server) -> int:
    """Return the number of operations in the document."""
    paths = server.client().get("/openapi.json").json["paths"]
    return sum(len(methods) for methods in paths.values())


@pytest.fixture(scope="module", params=["light", "dark"])
def docs(request: pytest.FixtureRequest, browser: Browser, server: Server, operations: int) -> Iterator[Seen]:
    context = browser.new_context(color_scheme=request.param)
    seen = Seen(context.new_page())
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("requestfailed", lambda sent: seen.complaints.append(sent.url))
    seen.page.on("request", lambda sent: seen.hosts.add("/".join(sent.url.split("/")[:3])))
    seen.page.goto(f"{server.url}/docs")
    expect(seen.page.locator(".opblock")).to_have_count(operations)
    yield seen
    context.close()


def test_the_page_has_no_browser_errors_and_contacts_no_other_host(docs: Seen, server: Server) -> None:
    docs.page.locator("#operations-Events-list_events .opblock-summary-control").click()
    expect(docs.page.get_by_text("Seconds to wait.")).to_be_visible()
    assert docs.complaints == []
    assert {host for host in docs.hosts if not host.startswith("data:")} == {server.url}


def test_a_request_tried_on_the_page_is_carried_out(docs: Seen, server: Server) -> None:
    operation = docs.page.locator("#operations-Records-create_record")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with docs.page.expect_response(f"{server.url}/records") as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.status in {200, 201}
    sent = answered.value.request.all_headers()
    assert (sent["origin"], sent["sec-fetch-site"]) == (server.url, "same-origin")
    expect(operation.locator(".live-responses-table").get_by_text('"ACTIVE"')).to_be_visible()
    assert docs.complaints == []


def test_an_error_response_is_shown_on_the_page(docs: Seen) -> None:
    operation = docs.page.locator("#operations-Records-get_record")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("record_id").fill("nothing")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer.get_by_text("No credit has this id.")).to_be_visible()
    docs.complaints.clear()  # the browser names the status


def test_without_javascript_the_page_lists_every_operation(
    browser: Browser, server: Server, operations: int
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/docs")
    expect(page.locator("#docs li")).to_have_count(operations)
    expect(page.get_by_text("POST /records/{record_id}/retire")).to_be_visible()
    context.close()
