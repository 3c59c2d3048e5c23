"""Pages in the browser after signing out."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import Serve
from tests.fixtures.users import PASSWORD, an_administrator

PROJECT = "A forest that is nobody's business"


def test_the_way_back_shows_nothing_to_whoever_comes_after(
    visit: Visit, make_database: MakeDatabase, serve: Serve
) -> None:
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
        credit_id = recorded(project_name=PROJECT)
    page = visit(serve(database_url))
    page.goto("/sign-in")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"/credits/{credit_id}")
    expect(page.get_by_role("heading", name=PROJECT)).to_be_visible()
    page.get_by_role("link", name="Credits").first.click()
    expect(page.get_by_text(PROJECT).first).to_be_visible()
    page.locator("form[action='/sign-out']").evaluate("form => form.requestSubmit()")
    expect(page).to_have_url(re.compile("/sign-in"))
    for _ in range(3):
        page.go_back()
        expect(page).to_have_url(re.compile("/sign-in"))
        assert PROJECT not in page.content()
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert PROJECT not in kept
