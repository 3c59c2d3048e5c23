"""How large a file may be."""

from dataclasses import dataclass

from webapp.imports.readers.bounds import FILE_BYTES_MAX


@dataclass(frozen=True)
class Limits:
    """The most bytes of a file that is read while the request waits; and of others, rows and bytes.

    ``webapp.config`` has the settings.
    """

    rows: int = 1_000_000
    size_bytes: int = 512 * 1024**2
    small_bytes: int = FILE_BYTES_MAX
