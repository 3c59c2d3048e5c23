"""How large a file may be, for all readers. Each limit keeps a small file from becoming much memory."""

from typing import Final

ROWS_MAX: Final = 10_000
# Of a file that is read at once. It is the limit of all bodies (``webapp.config``).
FILE_BYTES_MAX: Final = 16 * 1024**2
ROW_CHARACTERS_MAX: Final = 200_000
COLUMNS_MAX: Final = 500
# Rows times columns of a table.
CELLS_MAX: Final = 1_000_000


def too_many_columns(number: int, columns: int) -> str:
    """Return the sentence about a line with more columns than are read."""
    return (
        f"Line {number} has {columns:,} columns; at most {COLUMNS_MAX} are read. "
        "Delete the columns that are not needed, or copy the table into a file of its own."
    )


def too_many_cells() -> str:
    """Return the sentence about a table with more cells than are read."""
    return f"This table has more than {CELLS_MAX:,} cells. Delete the columns that are not needed."
