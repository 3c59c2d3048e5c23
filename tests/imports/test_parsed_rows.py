"""What is kept of the parsed rows of a large file is what was parsed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.imports.cases import CASES
from tests.imports.plans import row
from webapp.domain.credit import Credit
from webapp.domain.errors import UnreadableFile
from webapp.domain.import_row import ImportRow
from webapp.imports.background import parsed_rows
from webapp.imports.file_rows import read_file
from webapp.imports.options import ImportOptions


def kept(rows: Sequence[ImportRow]) -> list[ImportRow]:
    texts = [parsed_rows.text_of([each]) for each in rows]
    return list(parsed_rows.rows_of([each.number for each in rows], texts, [each.values for each in rows]))


def computed(credit: Credit | None) -> object:
    """Return what is computed from a credit, which a comparison of credits leaves out."""
    return credit and (
        credit.id,
        credit.serial_claim,
        credit.stated_range,
        credit.named_numbers,
        credit.block,
        credit.created_data,
    )


@pytest.mark.usefixtures("ledger_app")
def test_the_rows_of_all_files_are_kept_as_they_were_parsed() -> None:
    rows: list[ImportRow] = []
    for path in (*CASES.glob("*.csv"), *CASES.glob("*.json")):
        with suppress(UnreadableFile):
            rows += read_file(path.read_bytes(), ImportOptions()).rows
    assert any(each.end for each in rows)
    assert any(each.named for each in rows)
    assert kept(rows) == rows
    for one, other in zip(kept(rows), rows, strict=True):
        assert computed(one.credit) == computed(other.credit)
        assert computed(one.named) == computed(other.named)


def test_a_lot_is_kept_with_its_place() -> None:
    whole = row(1, 100)
    assert whole.credit
    lot = replace(whole, credit=replace(whole.credit, parent="ab" * 32, offset_e4=30_000))
    (found,) = kept([lot])
    assert found == lot
