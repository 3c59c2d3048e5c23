"""Rows of files, and what is read out of them about the status of their tonnes."""

import json

from webapp.domain.errors import Problem
from webapp.imports.rows import parse_row

ROW = {
    "project_name": "Retired mine methane, phase 2",
    "registry": "VCS",
    "vintage": 2020,
    "quantity": 40,
    "serial_number": "H2-RT-1",
}


def said(**fields: object) -> Problem | None:
    """Return what a row with these fields more says about its tonnes, read as from a file."""
    return parse_row(1, json.dumps(ROW | fields)).not_active


def message(**fields: object) -> str:
    """Return the sentence with which such a row is refused."""
    problem = said(**fields)
    assert problem, fields
    return problem.message


def speaking(name: str, values: list[object]) -> list[object]:
    """Return the values that say something in this field."""
    return [value for value in values if said(**{name: value})]


# What people write where there is nothing to say.
NOTHING: list[object] = [
    False,
    "false",
    "FALSE",
    "No",
    "no",
    "N",
    "off",
    0,
    "0",
    None,
    "",
    "N/A",
    "n/a",
    "NULL",
    "null",
]
NOTHING += ["None", "nan", "-", "—", "–", "#N/A", "Not public", "NA", [], {}, [None], "Not yet"]  # noqa: RUF001
