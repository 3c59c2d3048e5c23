"""Where the whole test run is put together. Fixtures live in the plugins that are named here."""

pytest_plugins = [
    "pytester",
    "tests.services.postgresql",
    "tests.services.browser",
    "tests.services.not_run",
    "tests.fixtures.clock",
    "tests.fixtures.ledger",
    "tests.fixtures.server",
]
