"""The files of a report, by the ending of their names. Long ones are written to temporary storage."""

import io
from collections.abc import Callable, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from webapp.reports import pdf
from webapp.reports.content import Report
from webapp.reports.data import write_json
from webapp.reports.spreadsheets import write_csv, write_xlsx

IN_MEMORY_BYTES: Final = 1_000_000
TYPES: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "json": "application/json",
}


def file_of(report: Report, ending: str, address: str) -> IO[bytes]:
    """Return the file, open at its start. Raises LedgerBusy if a PDF cannot be made now."""
    if ending == "pdf":
        return io.BytesIO(pdf.pdf_of(report, address))
    if ending == "xlsx":
        return _written(lambda file: write_xlsx(report, address, file))
    if ending == "csv":
        return _written(
            lambda file: _as_text(file, "utf-8-sig", lambda text: write_csv(report, address, text))
        )
    return _written(lambda file: _as_text(file, "utf-8", lambda text: write_json(report, address, text)))


def _written(write: Callable[[IO[bytes]], None]) -> IO[bytes]:
    file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the answer closes it
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _as_text(file: IO[bytes], encoding: str, write: Callable[[IO[str]], None]) -> None:
    text = io.TextIOWrapper(file, encoding=encoding, newline="", write_through=True)
    write(text)
    text.detach()
