"""Files that are made to take memory or time, refused with a clear answer in little of both."""

import io
import json
import os
import random
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import BoundedSemaphore

import pytest

from tests.imports.test_workbook import ODS, changed, lines, ods_of, workbook_of
from webapp.domain.errors import LedgerBusy, LedgerError, TooManyRows, UnreadableFile
from webapp.imports.readers import workbook
from webapp.imports.readers.open_file import read_source

SHEET = "xl/worksheets/sheet1.xml"
SMALL = workbook_of(lines(["a", "b"], ["x", 1]))
# Of CPU time, which does not depend on what else runs. What has no bound takes minutes or ends the process.
SECONDS_MAX = 20


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it started and that ended."""
    return sum(os.times()[:4])


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    started = cpu_seconds()
    yield
    assert cpu_seconds() - started < SECONDS_MAX


def refusal_of(content: bytes) -> str:
    with pytest.raises(LedgerError) as refused:
        read_source(content)
    assert isinstance(refused.value, UnreadableFile | TooManyRows)
    return str(refused.value)


def memory_of_refusing(content: bytes, reason: str) -> int:
    """Return the most memory that was taken at a time, in bytes, without the file itself."""
    tracemalloc.start()
    try:
        assert reason in refusal_of(content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\na,b\r\n"])
def test_one_line_of_200_megabytes_is_refused_in_little_memory(end: bytes) -> None:
    content = b"a,b\n" + b"a" * 200_000_000 + end
    assert memory_of_refusing(content, "The row in line 2 is longer than 200,000 characters") < 2_000_000


def test_a_sheet_of_10_gigabytes_is_refused_in_little_memory() -> None:
    """120 megabytes of zeros in 120 kilobytes; a directory that says 10 gigabytes is the same file."""
    content = changed(SMALL, SHEET, lambda xml: xml + bytes(120_000_000))
    assert len(content) < 200_000
    assert memory_of_refusing(content, "more than 300 times as large when it is unpacked") < 2_000_000


def lying(content: bytes, stated: int) -> bytes:
    """Return the ZIP file with another unpacked size of its sheet in both directories."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo(SHEET)
    true = struct.pack("<L", entry.file_size)
    assert content.count(true) >= 2
    return content.replace(true, struct.pack("<L", stated))


def test_a_sheet_that_is_larger_than_its_directory_says_is_refused() -> None:
    content = lying(changed(SMALL, SHEET, lambda xml: xml + bytes(120_000_000)), 1_000)
    assert memory_of_refusing(content, "damaged or not complete") < 2_000_000


def test_a_small_entry_that_inflates_a_thousandfold_is_refused() -> None:
    content = changed(SMALL, SHEET, lambda xml: xml + bytes(20_000_000))
    assert "more than 300 times as large when it is unpacked" in refusal_of(content)


def test_a_zip_file_of_very_many_files_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(5_001):
            archive.writestr(f"xl/{number}", b"")
    assert "more than 5,000 files" in refusal_of(file.getvalue())


@pytest.mark.parametrize("cut", [1, 30, 500, 2_000])
def test_a_workbook_that_is_cut_off_is_refused(cut: int) -> None:
    assert "damaged or not complete" in refusal_of(SMALL[:-cut])


@pytest.mark.parametrize(
    "cell", ["XFD1048576", "A1048576", "XFD2", "ZZZZZ99999999999", "XFD4294967295", "A0", "1", ""]
)
def test_a_cell_far_from_the_table_cannot_take_all_memory(cell: str) -> None:
    far = f'<row r="3"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    content = changed(SMALL, SHEET, lambda xml: xml.replace(b"</sheetData>", far))
    try:
        source = read_source(content)
    except UnreadableFile as error:
        assert any(word in str(error) for word in ("too large", "damaged", "columns"))  # noqa: PT017
    else:
        assert source.rows[0].values["a"] == "x"


def test_two_far_cells_are_named_with_what_to_do() -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    content = changed(SMALL, SHEET, lambda xml: xml.replace(b"</sheetData>", far))
    assert "Look for a cell far below the table" in refusal_of(content)


def test_one_long_text_in_very_many_cells_is_refused() -> None:
    text = "x" * 30_000
    content = workbook_of(lines(["a", "b"], *[[text, text]] * 1_000))
    assert len(content) < 200_000
    assert "more than 1,000,000 cells" in refusal_of(content)


def test_entities_of_xml_are_not_expanded() -> None:
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    document = f'<!DOCTYPE x [<!ENTITY e0 "ha">{"".join(names)}]>'
    content = changed(
        SMALL,
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b"?>", b"?>" + document.encode(), 1).replace(b"<t>a</t>", b"<t>&e9;</t>"),
    )
    try:
        headers = list(read_source(content).headers)
    except UnreadableFile:
        return
    assert len(str(headers)) < 1000


def test_the_program_that_reads_workbooks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MEMORY_BYTES_MAX", 150_000_000)
    rows = [["x" * 20 + str(n), n, "y" * 50 + str(n)] for n in range(9_000)]
    content = changed(
        workbook_of(lines(["a", "b", "c"], *rows)),
        SHEET,
        lambda xml: xml.replace(
            b"</sheetData>", b'<row r="300000"><c r="Z300000"><v>1</v></c></row></sheetData>'
        ),
    )
    assert "too large to be read" in refusal_of(content)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.abort()", "too large to be read"),
        ("import time; time.sleep(60)", "too large to be read"),
        ("while True: pass", "too large to be read"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "too large to be read"),
        ("raise SystemExit(1)", "damaged or not complete"),
    ],
)
def test_a_program_that_ends_early_or_never_is_a_clear_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, reason: str
) -> None:
    path = tmp_path / "program.py"
    path.write_text(program, encoding="utf-8")
    monkeypatch.setattr(workbook, "_PROGRAM", path)
    monkeypatch.setattr(workbook, "_WAIT_SECONDS", 1)
    assert reason in refusal_of(SMALL)


def test_a_workbook_that_has_to_wait_too_long_for_others_can_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "_PLACES", BoundedSemaphore(1))
    with monkeypatch.context() as impatient, workbook._PLACES:
        impatient.setattr(workbook, "_WAIT_SECONDS", 0.1)
        with pytest.raises(LedgerBusy, match="Other workbooks are being read"):
            read_source(SMALL)
    assert read_source(SMALL).rows


def test_an_ods_that_repeats_a_full_row_a_million_times_is_refused() -> None:
    row = 'table:number-rows-repeated="1048574"> <table:table-cell'
    document = ODS.replace("\n", " ")
    assert row in document
    content = ods_of(document.replace(row, f'{row} office:value-type="float" office:value="1"'))
    assert re.search("too large to be read|damaged", refusal_of(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: b"\n" * 16_000_000, "empty"),
        (lambda: b"a,b\n" + b"\n" * 16_000_000, "more than 100,000 empty lines"),
        (lambda: b'a,b\n"' + b"x,\n" * 5_000_000, "longer than 200,000"),
        (lambda: b"a,b\n" + b'"' * 16_000_000, "longer than 200,000"),
        (lambda: b"a,b\n" + b",,,,\n" * 3_000_000, "more than 100,000 empty lines"),
        (lambda: b"a,b\n" + b"1,2\n" * 4_000_000, "at most 10,000 rows"),
        (lambda: b"," * 16_000_000, "longer than 200,000"),
        (lambda: (b"," * 150_000 + b"\n") * 100, "no rows"),
        (lambda: b"\xe9" * 16_000_000, "longer than 200,000"),
        (lambda: b"\xe9\n" * 8_000_000, "at most 10,000 rows"),
        (lambda: b"[" + b"[],[],[],[],[],\n" * 1_000_000 + b"1]", "at most 10,000 rows"),
        (
            lambda: b"[" + b"[" + b"0," * 90_000 + b"0]," * 1 + (b"[" + b"0," * 90_000 + b"0],") * 80 + b"0]",
            "values",
        ),
    ],
    ids=[str(number) for number in range(12)],
)
def test_a_file_of_16_megabytes_is_refused_quickly(content: Callable[[], bytes], reason: str) -> None:
    assert reason in refusal_of(content())


def test_very_many_names_in_json_are_refused() -> None:
    rows = [{f"{row} {name}": 1 for name in range(100)} for row in range(100)]
    assert "more than 5,000 different names" in refusal_of(json.dumps(rows).encode())


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_refused_or_read_quickly(seed: int) -> None:
    noise = random.Random(seed)  # noqa: S311 - it has to be the same each time
    characters = b"ab,;|\t\"\n '\xe9\xff\x00" if seed % 2 else b'ab,;|\t"\n {}[]:0'
    content = bytes(noise.choices(characters, k=200_000))
    try:
        read_source(content)
    except LedgerError as error:
        assert str(error).endswith(".")  # noqa: PT017


@pytest.mark.parametrize("seed", range(8))
def test_a_workbook_with_a_changed_byte_is_refused_or_read(seed: int) -> None:
    noise = random.Random(seed)  # noqa: S311
    content = bytearray(SMALL)
    for _ in range(3):
        content[noise.randrange(len(content))] = noise.randrange(256)
    try:
        read_source(bytes(content))
    except LedgerError as error:
        assert str(error).endswith(".")  # noqa: PT017


def test_a_reader_that_is_killed_within_a_line_leaves_a_clear_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "killed.py"
    program.write_text(
        "import os, signal, sys\n"
        'sys.stdout.write(\'[1, ["a"]]\\n[2, ["b\')\n'
        "sys.stdout.flush()\n"
        "os.kill(os.getpid(), signal.SIGXCPU)\n"
    )
    monkeypatch.setattr(workbook, "_PROGRAM", program)
    assert "large" in refusal_of(SMALL)
