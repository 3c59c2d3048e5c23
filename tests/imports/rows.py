"""Rows of import files, and the message about the status of their tonnes."""

import json

from webapp.domain.canonical_json import decode_text
from webapp.domain.errors import Problem
from webapp.imports.inactive_status import not_active

ROW = {
    "project_name": "Retired mine methane, phase 2",
    "registry": "VCS",
    "vintage": 2020,
    "quantity": 40,
    "serial_number": "H2-RT-1",
}


def said(**fields: object) -> Problem | None:
    """Return the problem of a row with these additional fields if it is inactive, else None."""
    row = decode_text(json.dumps(ROW | fields))
    assert isinstance(row, dict)
    return not_active(row)


def message(**fields: object) -> str:
    """Return the message for an inactive row with these additional fields."""
    problem = said(**fields)
    assert problem, fields
    return problem.message


def speaking(name: str, values: list[object]) -> list[object]:
    """Return the values with which this field means that the row is inactive."""
    return [value for value in values if said(**{name: value})]


# Values that users write for "nothing".
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
