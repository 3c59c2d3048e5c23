"""What is right for each file of tests/data/cases that is an import file, and how to read its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.forms import parse, submit
from webapp.config import ROOT
from webapp.imports.plan import WRITING

CASES: Final = ROOT / "tests" / "data" / "cases"
STATUSES: Final = ("ACTIVE", "SOLD", "RETIRED", "WITHDRAWN")
TYPES: Final = {".json": "application/json", ".csv": "text/csv"}

# By kind: the rows that have tonnes of it, and the tonnes.
Plan = Mapping[str, tuple[int, float]]


@dataclass(frozen=True)
class Case:
    """A file, the plan of it in an empty ledger, what is held afterwards, and sentences of its rows."""

    number: str
    plan: Plan
    held: Mapping[str, float]
    details: Mapping[int, str] = field(default_factory=dict)
    # The tonnes about which file and ledger say different things when the file is imported again.
    differing: float = 0

    @property
    def path(self) -> Path:
        """The file."""
        (path,) = CASES.glob(f"{self.number}-*")
        return path

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.path.read_bytes()

    @property
    def content_type(self) -> str:
        """The media type under which a program sends it."""
        return TYPES[self.path.suffix]


MISSING = "The serial number “{}” is read as missing."
SAME = "The same tonnes as in row {}."
ALL = (
    Case("01", {"new": (1, 40)}, {"ACTIVE": 40}),
    Case("03", {"new": (1, 40)}, {"ACTIVE": 40}),
    Case("04", {"new": (1, 40)}, {"ACTIVE": 40}),
    Case("05", {"new": (1, 1234.5)}, {"ACTIVE": 1234.5}),
    Case(
        "07",
        {"new": (11, 1_460_307), "invalid": (8, 0)},
        {"ACTIVE": 1_460_307},
        {5: "“1_234”", 6: "“1e3”", 10: "“+425”", 13: "required", 15: "“true”", 17: "“5e-05”", 19: "“425”"},
    ),
    Case(
        "08",
        {"new": (8, 320), "invalid": (5, 200)},
        {"ACTIVE": 320},
        {8: "“FY2020”", 9: "“20”", 10: "“44197”", 12: "required", 13: "“2101”"},
    ),
    Case("09", {"new": (9, 360)}, {"ACTIVE": 360}, {1: MISSING.format("NULL"), 7: MISSING.format("0")}),
    Case(
        "10",
        {"new_retired": (1, 425), "equal": (1, 425)},
        {"RETIRED": 425},
        {1: "For Acme Airlines on 2026-04-10.", 2: SAME.format(1)},
    ),
    Case("11", {"new": (1, 10)}, {"ACTIVE": 10}),
    Case(
        "12",
        {"new_retired": (6, 240)},
        {"RETIRED": 240},
        {1: "For Acme Airlines on 2025-03-01.", 2: "Without a date."},
    ),
    Case(
        "13",
        {"new": (1, 131), "new_retired": (1, 5354), "equal": (1, 5354)},
        {"ACTIVE": 131, "RETIRED": 5354},
        {2: "For Acme Tools on 2026-04-10."},
    ),
    Case(
        "14",
        {"new_retired": (3, 8883)},
        {"RETIRED": 8883},
        {1: "On 2020-02-13.", 2: "On 2020-01-16.", 3: "On 2019-11-09."},
    ),
    Case(
        "15",
        {"new": (1, 531), "equal": (2, 1062)},
        {"ACTIVE": 531},
        {2: f"{SAME.format(1)} Neither row has a serial number.", 3: SAME.format(1)},
        differing=1062,  # the registry's id of the record, which is a fact of one credit now
    ),
    Case(
        "16",
        {"new": (10, 5602), "equal": (8, 310), "invalid": (1, 10)},
        {"ACTIVE": 5602},
        {
            **{row: SAME.format(row - 1) for row in (2, 4, 6, 8, 10, 14, 16, 18)},
            11: "The block 1000 to 1010 has 11 units, but the quantity is 10 t.",
        },
    ),
    Case("17", {"new": (1, 100), "equal": (1, 100)}, {"ACTIVE": 100}, {2: SAME.format(1)}),
    # The note "(retired)" of one spelling is about the tonnes of all of them.
    Case(
        "18",
        {"new_retired": (1, 100), "equal": (5, 500)},
        {"RETIRED": 100},
        {1: SAME.format(4), 4: "Without a date.", 6: SAME.format(4)},
    ),
    Case("44", {"new": (2, 12)}, {"ACTIVE": 12}, {1: MISSING.format("N/A"), 2: MISSING.format("N/A")}),
)


def again(case: Case) -> dict[str, float]:
    """Return the tonnes of each kind when the file is imported a second time."""
    found = {kind: tonnes for kind, (_, tonnes) in case.plan.items() if kind == "invalid"}
    found["existing"] = sum(tonnes for kind, (_, tonnes) in case.plan.items() if kind != "invalid")
    return found | ({"difference": case.differing} if case.differing else {})


def tonnes_of(plan: Plan) -> dict[str, float]:
    """Return the tonnes of each kind; tonnes that two rows name count as recorded already in both."""
    found = {kind: tonnes for kind, (_, tonnes) in plan.items() if kind != "equal"}
    if "equal" in plan:
        found["existing"] = found.get("existing", 0) + plan["equal"][1]
    return found


def writes(plan: Plan) -> bool:
    """Return whether a plan records something."""
    return any(kind in WRITING for kind in plan)


def page_plan(page: TestResponse) -> Plan:
    """Return the plan that the page of an open import shows."""
    (table,) = (t for t in parse(page.text).find_all("table") if t["aria-labelledby"] == "plan")
    found: dict[str, tuple[int, float]] = {}
    for row in next(table.find_all("tbody")).find_all("tr"):
        kind = parse_qs(urlsplit(next(row.find_all("a"))["href"]).query)["kind"][0]
        rows, tonnes = (cell.text.strip() for cell in row.find_all("td"))
        found[kind] = (int(rows), float(tonnes.removesuffix("t").strip().replace(",", "")))
    return found


def api_plan(body: Mapping[str, object]) -> Plan:
    """Return the plan in the body of an import of the API."""
    lines = body["plan"]
    assert isinstance(lines, list)
    return {line["kind"]: (line["rows"], float(line["tonnes"])) for line in lines}


def details_of(client: FlaskClient, import_id: object) -> dict[int, str]:
    """Return what happens to each row, in one text."""
    found: dict[int, list[str]] = {}
    for row in client.get(f"/records/imports/{import_id}/rows?limit=500").get_json()["items"]:
        found.setdefault(row["row"], []).append(row["detail"])
    return {number: " ".join(texts) for number, texts in found.items()}


def held(client: FlaskClient) -> dict[str, float]:
    """Return the tonnes that the ledger holds in each status."""
    found = {}
    for status in STATUSES:
        items = client.get(f"/records?status={status}&limit=500").get_json()["items"]
        if items:
            found[status] = float(sum(item["quantity"] for item in items))
    return found


def choose(client: FlaskClient, address: str, section: str, **values: str | None) -> TestResponse:
    """Submit one of the forms about an open import, some of its fields changed."""
    action = f"{urlsplit(address).path}/options"
    return submit(client, client.get(address), action, fields={"section": section, **values})
