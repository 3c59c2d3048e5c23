"""Takes the pictures of README.md and docs/ from the running program: `python -m scripts.screenshots`.

Starts a real server on a temporary ledger, loads the excerpt of real credits of the tests with made-up acts,
and writes the pictures to docs/images/. Requires Chromium and the packages of requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import FilePayload, Page, ViewportSize, expect, sync_playwright

from scripts.machine import find_chromium
from scripts.throwaway import database
from server import terminal
from server.terminal import CommandError
from tests.fixtures.server import Client, flask, serving
from tests.services.browser import launch
from webapp.config import ROOT

IMAGES: Final = ROOT / "docs" / "images"
CREDITS: Final = ROOT / "tests" / "data" / "real-credits-excerpt.json"
# The rows of the excerpt that are left for the import whose plan is shown.
_LEFT_FOR_THE_PLAN: Final = 6
_WIDTH: Final = 1200
# By the row of the excerpt: the act, its tonnes (None for all), and its data. The companies are fictitious.
_ACTS: Final[tuple[tuple[int, str, int | None, Mapping[str, str]], ...]] = (
    (3, "sell", None, {"buyer": "Lindqvist Shipping", "occurred_on": "2025-01-20"}),
    (4, "retire", 9_000, {"beneficiary": "Hartmann Steelworks", "occurred_on": "2025-01-31"}),
    (9, "retire", None, {"beneficiary": "Casa Verde Hotels", "occurred_on": "2025-03-06"}),
    (10, "sell", None, {"buyer": "Aurora Data Centres", "occurred_on": "2025-05-14"}),
    (12, "retire", None, {"beneficiary": "Lindqvist Shipping", "occurred_on": "2025-06-30"}),
    (14, "sell", 30_000, {"buyer": "Monsoon Textiles", "occurred_on": "2025-09-11"}),
    (17, "retire", None, {"beneficiary": "City of Oakmere", "occurred_on": "2025-12-15"}),
    (20, "sell", None, {"buyer": "Casa Verde Hotels", "occurred_on": "2026-01-22"}),
    (27, "retire", None, {"beneficiary": "Fjordline Ferries", "occurred_on": "2026-02-12"}),
    (31, "retire", 18_500, {"beneficiary": "Monsoon Textiles", "occurred_on": "2026-03-05"}),
    (40, "sell", 12_000, {"buyer": "Aurora Data Centres", "occurred_on": "2026-04-23"}),
)
_STATEMENT: Final = {
    "action": "retire",
    "filter": {"registry": "verra"},
    "quantity": 5_000,
    "data": {
        "beneficiary": "Fjordline Ferries",
        "reason": "Crossings of 2025",
        "reference": "FF-RET-2025",
        "occurred_on": "2026-05-06",
    },
}


@dataclass(frozen=True)
class Picture:
    """A picture: its file name without the ending, the address, the height in pixels, the theme, and what
    is done on the page before it is taken.
    """

    name: str
    address: str
    height: int
    theme: Literal["light", "dark"] = "light"
    prepare: Callable[[Page], None] = lambda _page: None


def fill(client: Client) -> int:
    """Record the credits and acts; return the number of the act whose statement is shown."""
    held = _rows()[:-_LEFT_FOR_THE_PLAN]
    _send(client, "/records/imports", held)
    ids = {item["serial_number"]: item["id"] for item in client.get("/records?limit=100").json["items"]}
    for row, action, quantity, data in _ACTS:
        part = {} if quantity is None else {"quantity": quantity}
        _send(client, f"/records/{ids[held[row]['serial_number']]}/{action}", {**data, **part})
    return int(_send(client, "/acts", _STATEMENT)["act"])


def pictures(act: int) -> list[Picture]:
    """Return what is taken of a ledger in which this act is a retirement."""
    return [
        Picture("dashboard", "/?by=month", 1000),
        Picture("dashboard-dark", "/?by=month", 1000, "dark"),
        Picture("credits", "/credits?registry=gold-standard&status=ACTIVE", 720, prepare=_begin_to_retire),
        Picture("import", "/imports/new", 800, prepare=_upload),
        Picture("statement", f"/acts/{act}/statement", 900),
    ]


def take(folder: Path, into: Path) -> None:
    """Take all pictures of a new ledger in the folder."""
    chromium = find_chromium()
    if chromium is None:
        raise CommandError("Chromium is not installed.")
    with database("sqlite", folder) as url, serving(folder) as serve, sync_playwright() as playwright:
        migrated = flask(url, "db", "upgrade")
        if migrated.returncode:
            raise CommandError(f"Cannot migrate the database:\n{migrated.stderr}")
        server = serve(url)
        browser = launch(playwright, chromium)
        for picture in pictures(fill(server.client())):
            size = ViewportSize(width=_WIDTH, height=picture.height)
            page = browser.new_page(
                base_url=server.url, viewport=size, color_scheme=picture.theme, reduced_motion="reduce"
            )
            page.goto(picture.address)
            picture.prepare(page)
            file = into / f"{picture.name}.png"
            page.screenshot(path=file, animations="disabled")
            page.close()
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} KB")
        browser.close()


def _begin_to_retire(page: Page) -> None:
    row = page.locator("tbody[id^=credit-]").nth(1)
    row.get_by_role("link", name="Retire").click()
    expect(row.get_by_role("form")).to_be_visible()
    row.locator("[name=beneficiary]").fill("Fjordline Ferries")


def _upload(page: Page) -> None:
    """Upload a file with rows that are recorded already, new, different and not valid."""
    rows = _rows()
    wrong = {**rows[-1], "vintage": 1066, "serial_number": "?"}
    held_twice = {**rows[2], "project_name": "Another project"}
    content = json.dumps([*rows[-12:], held_twice, wrong]).encode()
    file = FilePayload(name="credits-2026.json", mimeType="application/json", buffer=content)
    page.set_input_files("input[type=file]", file)
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", name="credits-2026.json")).to_be_visible()


def _rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(CREDITS.read_text(encoding="utf-8"))
    return rows


def _send(client: Client, path: str, value: object) -> Any:  # noqa: ANN401 - JSON can be anything
    answer = client.post(path, value)
    if answer.status >= 400:  # noqa: PLR2004 - the first of errors
        raise CommandError(f"{path} got {answer.status}: {answer.body[:2000]!r}")
    return answer.json


def main() -> None:
    """Take the pictures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder), IMAGES)


if __name__ == "__main__":
    terminal.run(main)
