"""Cells of CSV files that no spreadsheet evaluates, and the texts that they stand for.

A spreadsheet evaluates a cell that begins like a formula. It may also split our cells: where semicolons or
tabs separate its columns, the quotes of our format mean nothing inside a line, and what follows such a
separator or a line break is a cell of its own. So an apostrophe stands before every place that would begin
a formula in any of these readings. It can be taken away again exactly.
"""

import re
from typing import Final

# The last four are the full-width forms of the first four, from Japanese and Chinese keyboards.
_STARTS: Final = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_PLACE: Final = r"(^|[;|\t\r\n])"
_FORMULA: Final = rf"(?=[\s\"']*[{_STARTS}])"
_BARE: Final = re.compile(_PLACE + _FORMULA)
_MARKED: Final = re.compile(f"{_PLACE}'{_FORMULA}")


def neutral(text: str) -> str:
    """Return the text with an apostrophe before each place that a spreadsheet could evaluate."""
    return _BARE.sub(r"\1'", text)


def original(cell: str) -> str:
    """Return the text for which `neutral` gave this cell."""
    return _MARKED.sub(r"\1", cell)
