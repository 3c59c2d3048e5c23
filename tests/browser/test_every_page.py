"""Every page is accessible in light and dark, and fits a desk's window and a phone.

The pages are opened one after the other in one window, because opening a window costs as much as a page.
"""

from collections.abc import Sequence
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Visit, assert_nothing_wrong, expects
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import Client, Serve, Server
from tests.fixtures.users import PASSWORD, a_token, a_user, an_administrator
from webapp.accounts import statement_links, tokens, users
from webapp.accounts.actors import LOCAL
from webapp.accounts.roles import Role
from webapp.http.error_status import is_api_path
from webapp.ledger import queries
from webapp.ledger.commands import amend_credit

DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
NARROW_DESK: Final[ViewportSize] = {"width": 1000, "height": 700}
# The one rule of axe that depends on the colours.
CONTRAST: Final = ["color-contrast"]
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LONG: Final = "Restoration of mangroves, seagrass and salt marshes along the coast " * 4
UNBROKEN: Final = "ACR-US-5-2021-" + "0123456789" * 18

# The placeholders are ids of credits and imports from `stocked`.
PAGES: Final = [
    "/",
    "/?as_of=2026-01-01&by=month",
    "/?known_at=never",
    "/credits",
    "/credits?q=nothing+is+called+this",
    "/credits?vintage=never",
    "/credits/new",
    "/credits/{active}",
    "/credits/{sold}",
    "/credits/{retired}",
    "/credits/{split}",
    "/credits/{lot}",
    "/credits/{cancelled}",
    "/credits/{active}/sell",
    "/credits/{active}/retire",
    "/credits/{retired}/retire",
    "/credits/{split}/retire",
    "/credits/{lot}/split?quantities=10%0A20",
    "/credits/{lot}/split?quantities=never",
    "/credits/{active}/correct",
    "/credits/{active}/cancel",
    "/credits/{amended}",
    "/credits/{active}/amend/1",
    "/credits/{amended}/amend/2",
    "/credits/{sold}/reverse-sale",
    "/credits/{active}/reverse-sale",
    "/credits/new?replaces={cancelled}",
    "/credits/act?action=retire&take=oldest&quantity=10",
    "/credits/act?action=amend&take=all&status=SOLD",
    "/credits/act?action=void",
    "/acts/{act}",
    "/acts/{act}/statement",
    "/acts/{act}/links",
    "/acts/{act}/links/1/revoke",
    "/shared/{link}",
    "/shared/wrong",
    "/verify",
    "/activity",
    "/activity?type=SOLD",
    "/credits?country=Kenya",
    "/credits/as-of?as_of=2026-12-31",
    "/credits/as-of?as_of=soon",
    "/credits/as-of?registry=VCS&registry=GS&status=SOLD&q=solar",
    "/parties",
    "/parties/named?name=Acme+Airlines",
    "/parties/pairs",
    "/projects",
    "/projects/named?registry=ACR&name=Mangrove+Restoration+Project",
    "/reports",
    "/reports?kind=esrs-e1-7&year=never",
    "/reports/esrs-e1-7?year=2026&party=Acme+Airlines&compared_with=2020-01-01",
    "/reports/hsc-44475-1?year=2026&party=Acme+Airlines",
    "/reports/yearly?year=2026&party=Acme+Airlines",
    "/reports/yearly/retirements?year=2026&party=Acme+Airlines",
    "/registries",
    "/registries/join?registry=VCS&alias=Gold+Standard",
    "/imports",
    "/imports/new",
    "/imports/{open}",
    "/imports/{open}?columns=1",
    "/imports/{done}",
    "/imports/{failed}",
    "/integrity",
    "/docs",
    "/nowhere",
]
# Pages of each layout that a phone shows otherwise: figures, tables, forms, a history, a plan.
ON_A_PHONE: Final = ["/", "/credits", "/credits/new", "/credits/{split}", "/imports/{open}"]
EMPTY: Final = ["/", "/credits", "/activity", "/imports", "/parties", "/projects", "/reports", "/setup"]
# Pages with accounts; an administrator is signed in, except on the first one.
WITH_ACCOUNTS: Final = [
    "/sign-in",
    "/people",
    "/people/new",
    "/people/2",
    "/people/2/disable",
    "/tokens",
    "/tokens/2/revoke",
    "/tokens/new",
    "/account-log",
    "/account/password",
]
REFUSED: Final = (404, 409, 422)

# Redirects, files and fragments.
NOT_PAGES: Final = {
    "as_of.file",
    "dashboard.icon",
    "downloads.activity_file",
    "downloads.credits_file",
    "downloads.imports_file",
    "downloads.parties_file",
    "downloads.projects_file",
    "downloads.registries_file",
    "imports.cancelled",
    "imports.options_chosen",
    "imports.resumed",
    "integrity.compared",
    "imports.rows_file",
    "imports.sample_file",
    "imports.template_file",
    "imports.written",
    "reports.behind_file",
    "reports.download",
    "statements.data",
    "statements.pdf",
    "statements.proof",
    "statements.shared_pdf",
    "statements.shared_proof",
    "static",
    "verifier.alone",
    "verifier.script",
}

# Returns the elements that are wider than the window.
TOO_WIDE: Final = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > width)
    .map((element) => element.outerHTML.slice(0, 120));
}"""


def record(client: Client, **changes: object) -> str:
    return str(client.post("/records", a_credit(**changes)).json["id"])


@pytest.fixture(scope="module")
def stocked(ledger: Server) -> dict[str, str]:
    """Fill the ledger with long values; return the ids for PAGES."""
    client = ledger.client()
    names = {
        "active": record(client, project_name=LONG, serial_number=UNBROKEN),
        "sold": record(client, serial_number="S-1", quantity="0.0001"),
        "retired": record(client, serial_number="R-1", quantity="99999999.9999", registry="Gold Standard"),
    }
    client.post(f"/records/{names['sold']}/sell", {"buyer": LONG[:300], "reference": UNBROKEN, "note": LONG})
    client.post(f"/records/{names['retired']}/sell", {"buyer": "Acme Airlines"})
    client.post(f"/records/{names['retired']}/retire", {"beneficiary": UNBROKEN, "reason": LONG[:300]})
    names["split"] = record(client, serial_number=UNBROKEN[:160], registry="ACR", quantity="1000")
    acted = client.post(f"/records/{names['split']}/retire", {"quantity": 250}).json
    names["lot"] = acted["rest"]["id"]
    names["cancelled"] = record(client, serial_number="C-1", project_name=LONG)
    client.post(f"/records/{names['cancelled']}/cancel", {"reason": LONG[:300]})
    names["amended"] = record(client, serial_number="A-1")
    client.post(f"/records/{names['amended']}/retire", {"beneficiary": UNBROKEN, "note": LONG})
    amendment = {"amends": 2, "beneficiary": LONG[:300], "why": LONG, "facts": {"purpose": LONG[:300]}}
    client.post(f"/records/{names['amended']}/amend", amendment)
    client.post("/records/registries/join", {"registry": "ACR", "alias": UNBROKEN[:50]})
    record(client, serial_number="S-1", registry="Gold Standard")
    good = a_credit(serial_number="I-1")
    conflicting = a_credit(serial_number="S-1", project_name=LONG)
    bad = [good, conflicting, {**good, "vintage": 1066, "quantity": UNBROKEN, "colour": "green"}]
    names["open"] = str(client.post("/records/imports?dry_run=1", bad).json["id"])
    names["failed"] = str(client.post("/records/imports", bad).json["id"])
    names["done"] = str(client.post("/records/imports", [good]).json["id"])
    return names | shared(ledger, names["retired"])


def shared(ledger: Server, retired: str) -> dict[str, str]:
    """Amend a retirement and share its statement; return its act and the secret of the link."""
    with opened(ledger.database_url):
        act = queries.record(retired).last_counting.position
        amend_credit(retired, {"amends": "3", "beneficiary": "", "reason": UNBROKEN, "why": LONG}, LOCAL)
        revoked, made = statement_links.create(act, LOCAL), statement_links.create(act, LOCAL)
        assert revoked
        assert made
        statement_links.revoke(act, revoked.link.id, LOCAL)
    return {"act": str(act), "link": made.secret}


def open_window(visit: Visit, server: Server) -> Page:
    page = visit(server, reduced_motion="reduce")
    expects(page, *REFUSED)
    # Swagger UI is not ours to test.
    page.route("**/docs.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    return page


@pytest.fixture(scope="module")
def window(visit_module: Visit, ledger: Server) -> Page:
    """Return the window in which all pages of the filled ledger are opened."""
    return open_window(visit_module, ledger)


def go(page: Page, path: str) -> None:
    """Open the page at the size of a desk's window."""
    page.set_viewport_size(DESK)
    page.goto(path)


def assert_readable_by_all(page: Page) -> None:
    """Check the page in light and its colours in dark, and that it fits three windows."""
    found = [*violations(page, "light"), *violations(page, "dark", only=CONTRAST)]
    assert not found, "\n".join(found)
    for size in (DESK, NARROW_DESK, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(TOO_WIDE) == [], f"at {size}"
    assert_nothing_wrong(page)


def violations(page: Page, scheme: Literal["light", "dark"], only: Sequence[str] | None = None) -> list[str]:
    """Return the violations that axe finds of these rules, or of all, with rule, element and reason.

    Without motion, because colours that change slowly would be measured halfway.
    """
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], **({"runOnly": only} if only else {})}
    found = page.evaluate("options => axe.run(options).then(results => results.violations)", options)
    return [
        f"{violation['id']} at {' '.join(node['target'])}: {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_and_fits_a_phone(window: Page, stocked: dict[str, str], path: str) -> None:
    go(window, path.format(**stocked))
    assert_readable_by_all(window)


@pytest.mark.parametrize("path", ON_A_PHONE)
def test_what_a_phone_shows_otherwise_is_readable(window: Page, stocked: dict[str, str], path: str) -> None:
    window.set_viewport_size(PHONE)
    window.goto(path.format(**stocked))
    found = violations(window, "dark")
    assert not found, "\n".join(found)
    assert_nothing_wrong(window)


def test_an_open_panel_is_readable_and_fits_a_phone(window: Page, stocked: dict[str, str]) -> None:
    go(window, "/credits")
    row = window.locator(f"#credit-{stocked['active']}")
    row.get_by_role("link", name="Retire").click()
    expect(row.get_by_role("form")).to_be_visible()
    assert_readable_by_all(window)


def test_an_empty_ledger_is_readable_and_fits_a_phone(
    visit: Visit, serve: Serve, make_database: MakeDatabase
) -> None:
    page = open_window(visit, serve(make_database("sqlite")))
    for path in EMPTY:
        go(page, path)
        assert_readable_by_all(page)


def test_the_pages_about_accounts_are_readable_and_fit_a_phone(
    visit: Visit, serve: Serve, make_database: MakeDatabase
) -> None:
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
        person = a_user(LONG[:100], Role.VIEWER)
        users.disable(person.id, "cli")
        a_token(name=UNBROKEN[:100])
        tokens.revoke(1, "cli")
        a_token(name="nightly")
    page = open_window(visit, serve(database_url))
    go(page, WITH_ACCOUNTS[0])
    assert_readable_by_all(page)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for path in WITH_ACCOUNTS[1:]:
        go(page, path)
        page.locator(".account-menu summary").click()
        assert_readable_by_all(page)


def test_every_page_is_looked_at(make_database: MakeDatabase) -> None:
    with opened(make_database("sqlite")) as app:
        rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())]
        pages = {rule.endpoint for rule in rules if not is_api_path(rule.rule)}
        addresses = app.url_map.bind("localhost")
        numbers = dict.fromkeys(
            ["active", "sold", "retired", "split", "lot", "cancelled", "amended"], "0" * 64
        )
        numbers |= dict.fromkeys(["open", "done", "failed", "act", "link"], "1")
        looked_at = {
            addresses.match(path.format(**numbers).partition("?")[0])[0]
            for path in [*PAGES, *EMPTY, *WITH_ACCOUNTS]
            if path != "/nowhere"
        }
    assert pages - NOT_PAGES == looked_at
