"""The browser of the tests: the system's Chromium, driven by playwright, one for each test process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from scripts.machine import find_chromium

NO_CHROMIUM = "EVERYTHING IN A BROWSER (NO CHROMIUM FOUND)"
# The tests' pages name no other host, so a browser that calls home would only blur that.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    found = find_chromium()
    if found is None:
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.fixture(scope="session")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """One browser for all tests of a process; each test opens a context of its own in it."""
    with sync_playwright() as playwright:
        running = launch(playwright, chromium_path)
        yield running
        running.close()


def launch(playwright: Playwright, path: Path) -> Browser:
    """Starts Chromium in its sandbox, except where there is none: for root, and in most containers."""

    def start(*, sandbox: bool) -> Browser:
        return playwright.chromium.launch(
            executable_path=path, headless=True, chromium_sandbox=sandbox, args=FLAGS
        )

    if os.geteuid() == 0:
        return start(sandbox=False)
    try:
        return start(sandbox=True)
    except Error as error:
        if "sandbox" not in str(error).lower():
            raise
        return start(sandbox=False)
