"""Accounts in a browser: from set-up to several people with different roles."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, expects
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import Serve, Server
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from webapp.accounts import sessions
from webapp.accounts.roles import Role

OWN = "a sentence of my own"
CREDIT = "Mangrove Restoration Project"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def choose_in_menu(page: Page, role: str, name: str) -> None:
    page.locator(".account-menu summary").click()
    page.locator(".account-menu").get_by_role(role, name=name).click()  # type: ignore[arg-type]


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    press(page, "Sign in")


def change_password(page: Page, current: str, new: str) -> None:
    page.get_by_label("Current password").fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("Confirm new password").fill(new)
    press(page, "Change password")
    expect(page.get_by_text("Password changed.")).to_be_visible()


def sign_in_first(page: Page, name: str) -> None:
    """Sign in with the initial password, and choose another."""
    sign_in(page, name)
    expect(page).to_have_url("/account/password")
    change_password(page, PASSWORD, OWN)


def sign_out(page: Page) -> None:
    choose_in_menu(page, "button", "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def record_a_credit(page: Page) -> None:
    page.goto("/credits/new")
    for label, value in (("Project", CREDIT), ("Registry", "VCS"), ("Vintage", "2023"), ("Quantity", "100")):
        page.get_by_label(label).first.fill(value)
    press(page, "Record credit")
    expect(page.get_by_text("The credit is recorded.")).to_be_visible()


def add(page: Page, name: str, role: str) -> None:
    choose_in_menu(page, "link", "People")
    page.get_by_role("link", name="Add person").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Role").select_option(role)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Add")
    expect(page.get_by_text(f"{name} can sign in.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_from_one_machine_to_people_with_roles(
    serve: Serve, make_database: MakeDatabase, visit: Visit, *, scripts: bool
) -> None:
    page = visit(serve(make_database("sqlite")), java_script_enabled=scripts)
    record_a_credit(page)
    page.get_by_role("link", name="Set up accounts").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    press(page, "Create administrator")
    expect(page.get_by_text("You are the administrator.")).to_be_visible()
    add(page, "Oscar", "operator")
    add(page, "Vera", "viewer")
    sign_out(page)
    viewer_sees_no_way_to_act(page)
    sign_out(page)
    operator_retires(page, scripts=scripts)
    choose_in_menu(page, "link", "Change password")
    change_password(page, OWN, "another good one")


def viewer_sees_no_way_to_act(page: Page) -> None:
    sign_in_first(page, "Vera")
    page.goto("/credits")
    expect(page.get_by_role("link", name=CREDIT)).to_be_visible()
    for act in ("Sell", "Retire", "New credit", "Import"):
        expect(page.get_by_role("link", name=act, exact=True)).to_have_count(0)
    page.get_by_role("link", name=CREDIT).click()
    expect(page.get_by_role("link", name="Retire")).to_have_count(0)
    expects(page, 403)
    page.goto("/credits/new")
    expect(page.get_by_text("This requires the role operator; yours is viewer.")).to_be_visible()


def operator_retires(page: Page, *, scripts: bool) -> None:
    sign_in_first(page, "Oscar")
    page.goto("/credits")
    page.get_by_role("link", name=f"Retire {CREDIT}").click()
    page.get_by_label("Beneficiary").first.fill("Acme Airlines")
    page.get_by_role("button", name="Retire 100 t").click()
    expect(page.locator(".notice-success")).to_contain_text("Retired 100 t for Acme Airlines")
    if scripts:
        page.get_by_role("link", name=CREDIT).first.click()
    expect(page.locator(".event-retired .event-meta")).to_contain_text("by Oscar")
    expect(page.locator(".event-created .event-meta")).to_contain_text("by local")


@pytest.fixture
def staffed(serve: Serve, make_database: MakeDatabase) -> Server:
    """Return a server with an administrator and an operator."""
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
        a_user("Oscar", Role.OPERATOR)
    return serve(database_url)


def test_a_panel_that_is_opened_after_the_session_ended_leads_to_the_sign_in_and_back(
    staffed: Server, visit: Visit
) -> None:
    page = visit(staffed)
    page.goto("/sign-in")
    sign_in(page, "Oscar")
    record_a_credit(page)
    page.goto("/credits?q=mangrove")
    with opened(staffed.database_url):
        sessions.end_all(2, "user:2")
    expects(page, 401)
    page.get_by_role("link", name=f"Retire {CREDIT}").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "Oscar")
    expect(page).to_have_url("/credits?q=mangrove")


def test_back_after_signing_out_shows_nothing_of_what_was_seen(staffed: Server, visit: Visit) -> None:
    page = visit(staffed)
    page.goto("/sign-in")
    sign_in(page, "Oscar")
    record_a_credit(page)
    sign_out(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text(CREDIT)).to_have_count(0)


def test_somebody_signed_in_can_write_on_the_page_of_the_api(staffed: Server, visit: Visit) -> None:
    page = visit(staffed)
    page.goto("/sign-in?next=/docs")
    sign_in(page, "Oscar")
    operation = page.locator("#operations-Records-create_record")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response(f"{staffed.url}/records") as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.status == 201
    sent = answered.value.request.all_headers()
    assert sent["x-csrftoken"]
