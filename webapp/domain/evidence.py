"""The files that an act names as its evidence: a contract, a certificate of the registry.

The ledger has the SHA-256 and the name of each file, and never the file. The text is that of `sha256sum`: a
line for each file, with the hash, a space and the name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from webapp.domain.fields import FieldError, TextField

FILES_MAX: Final = 10
NAME_LENGTH_MAX: Final = 200
# Of the whole text, in requests and in the data of events.
_EACH: Final = rf"[0-9A-Fa-f]{{64}} \S[^\n]{{0,{NAME_LENGTH_MAX - 1}}}"
EVIDENCE_PATTERN: Final = rf"{_EACH}(\n{_EACH}){{0,{FILES_MAX - 1}}}"
_LINE: Final = re.compile(r"([0-9A-Fa-f]{64}) \*?(\S.*)")


class EvidenceFile(NamedTuple):
    """A file: its SHA-256 in lower-case hex, and its name."""

    sha256: str
    name: str


@dataclass(frozen=True)
class EvidenceField(TextField):
    """Files as lines of `sha256sum`. The recorded text has lower-case hashes and no blank lines."""

    max_length: int = FILES_MAX * (64 + 1 + NAME_LENGTH_MAX + 1)
    newlines: bool = True

    def parse(self, value: object) -> str | None:
        """Return the recorded text, None without any file. Raises FieldError, which names the line."""
        if value is not None and not isinstance(value, str):
            raise FieldError(
                "Must be one text with a line for each file: its SHA-256 in hexadecimal digits, a space and "
                "its name, as sha256sum prints them."
            )
        text = super().parse(value)
        if text is None:
            return None
        files: dict[str, str] = {}
        for number, line in enumerate(filter(None, text.split("\n")), start=1):
            found = _LINE.fullmatch(line)
            if not found:
                raise FieldError(
                    f"Line {number} must be the SHA-256 of a file, which is 64 hexadecimal digits, a space "
                    f"and the name of the file, not “{line[:80]}”."
                )
            digest, name = found[1].lower(), found[2]
            if len(name) > NAME_LENGTH_MAX:
                raise FieldError(f"Line {number}: a name has at most {NAME_LENGTH_MAX} characters.")
            if digest in files:
                raise FieldError(f"Line {number}: the file with this SHA-256 is named twice.")
            files[digest] = name
        if len(files) > FILES_MAX:
            raise FieldError(f"At most {FILES_MAX} files; these are {len(files)}.")
        return "\n".join(f"{digest} {name}" for digest, name in files.items())


EVIDENCE: Final = EvidenceField(
    "evidence",
    "Evidence",
    hint="Files such as the contract or the certificate, each as a line of sha256sum. Only the hash and the "
    "name are recorded.",
)


def files_in(data: Mapping[str, object]) -> list[EvidenceFile]:
    """Return the files that the data of an event name."""
    text = data.get(EVIDENCE.name)
    lines = text.split("\n") if isinstance(text, str) else []
    return [EvidenceFile(*line.split(" ", 1)) for line in lines if " " in line]
