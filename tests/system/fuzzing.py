"""Fuzz the API from its OpenAPI document: Schemathesis against a real server.

It generates requests that follow the document, requests that break it, and sequences of them (record,
sell, read), and checks every answer against the document.
"""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fixtures.ledger import opened
from tests.fixtures.server import Server
from tests.fixtures.users import a_token, an_administrator
from webapp.accounts.roles import Role
from webapp.config import ROOT

CONFIGURATION: Final = Path(__file__).with_name("schemathesis.toml")
MAY_TAKE_S: Final = 1800
ALL_PHASES: Final = "examples,coverage,fuzzing,stateful"
# Without the four thousand requests for bounds of fields, nearly all refused before a database is asked.
REACHING_A_DATABASE: Final = "examples,fuzzing,stateful"
BOUNDS_OF_FIELDS: Final = "coverage"
# It expects every request to be accepted that follows the schemas; fuzz_checks.py replaces it.
OTHERWISE_CHECKED: Final = "positive_data_acceptance"


@dataclass(frozen=True)
class Fuzzed:
    """The result of a run: the number of answers by status, from the server's log, and the failures found."""

    statuses: Counter[int]
    found: str

    @property
    def requests(self) -> int:
        """How many requests the server answered."""
        return self.statuses.total()


def a_program(database_url: str) -> str:
    """Add an administrator and return the secret of a token with that role."""
    with opened(database_url):
        an_administrator()
        return a_token(Role.ADMINISTRATOR, "fuzz")


def fuzz(
    server: Server, token: str, *, seed: int, examples: int, phases: str = ALL_PHASES, operation: str = ""
) -> Fuzzed:
    """Fuzz every operation, or the one of this id, with up to `examples` requests in each phase.

    The requests carry the token, except those that test whether it can be left out.

    `found` is the report of Schemathesis, empty where every answer follows the document.
    """
    before = len(server.answered())
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run"]
    checks = ["--checks", "all", "--exclude-checks", OTHERWISE_CHECKED]
    bearing = ["--header", f"Authorization: Bearer {token}"]
    amount = ["--seed", str(seed), "--max-examples", str(examples), "--phases", phases]
    amount += ["--include-operation-id", operation] if operation else []
    done = subprocess.run(
        [*command, f"{server.url}/openapi.json", "--no-color", *bearing, *checks, *amount],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=MAY_TAKE_S,
    )
    answered = server.answered()[before:]
    return Fuzzed(
        Counter(status for _, _, _, status in answered), done.stdout + done.stderr if done.returncode else ""
    )
