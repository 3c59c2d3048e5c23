"""Files of random rows that name the same numbers, and imports of them in the background."""

import csv
import io
import random
from collections.abc import Iterator, Sequence
from typing import Final

from webapp.accounts.actors import LOCAL
from webapp.imports import views
from webapp.imports.background import job, large_imports
from webapp.imports.background.job import Decision, JobView
from webapp.imports.options import ImportOptions
from webapp.imports.views import ImportView

COLUMNS: Final = (
    "project_name",
    "registry",
    "vintage",
    "quantity",
    "serial_number",
    "status",
    "country",
    "beneficiary",
)
DECISION: Final = Decision(LOCAL, skip_invalid=True, ignore_unknown=True)


def random_rows(count: int, seed: int) -> list[list[str]]:
    """Return rows that disagree, repeat and overlap one another, some without serial numbers."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    return [list(_row(chance)) for _ in range(count)]


def _row(chance: random.Random) -> Iterator[str]:
    project = chance.randrange(6)
    length = chance.choice([1, 5, 5, 20])
    first = chance.randrange(1, 20) * 5
    status = chance.choice(["Active", "Active", "Retired", "Retired", "Cancelled", "Active", "Expired"])
    yield f"Project {project}"
    yield "VCS"
    yield "1812" if chance.random() < 0.02 else str(2020 + project % 2)
    yield str(length + (chance.random() < 0.02))
    yield "" if chance.random() < 0.1 else f"GS1-1-KE-GS{project}-16-2021-3-{first}-{first + length - 1}"
    yield status
    yield chance.choice(["", "Kenya", "Peru"])
    yield chance.choice(["", "Acme", "Acme"]) if status == "Retired" else ""


def rows_of_blocks(count: int, retired: int = 3) -> list[list[str]]:
    """Return rows of blocks of their own, of which every `retired`th is retired."""
    return [
        [
            f"Project {number % 7}",
            "VCS",
            "2021",
            "10",
            f"GS1-1-KE-GS{number % 7}-16-2021-3-{number * 10 + 1}-{number * 10 + 10}",
            "Retired" if number % retired == 0 else "Active",
            "",
            "",
        ]
        for number in range(count)
    ]


def csv_of(rows: Sequence[Sequence[str]]) -> bytes:
    """Return the rows as a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def received(content: bytes, options: ImportOptions | None = None, decision: Decision | None = None) -> int:
    """Receive a file for the background and return the number of its import."""
    return large_imports.receive(
        io.BytesIO(content), "large.csv", LOCAL, options=options, decision=decision
    ).import_id


def worked_on(import_id: int) -> ImportView:
    """Work on an import until it is over or a person has to decide."""
    large_imports.run(import_id, _ignore)
    return views.find(import_id)


def planned(content: bytes, options: ImportOptions | None = None) -> ImportView:
    """Receive a file and plan it in the background."""
    return worked_on(received(content, options))


def recorded_in_background(import_id: int) -> ImportView:
    """Record a planned import."""
    large_imports.record(import_id, DECISION)
    return worked_on(import_id)


def steps(import_id: int, count: int, owner: str = "tester") -> job.Lease:
    """Take a job, do some steps of it, and keep it, as a process does that is stopped then."""
    from webapp.imports.background import runner

    lease = job.claim(owner, import_id)
    assert lease
    for _ in range(count):
        runner.step(lease)
    return lease


def _ignore(_view: JobView) -> None:
    pass
