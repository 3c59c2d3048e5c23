"""Where checkpoints go from a machine, as the setting CHECKPOINT_TO states it."""

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from webapp.domain.signed_note import InvalidNote, SignatureType, VerifierKey

_FORM: Final = "folder PATH, command PROGRAM ARGUMENTS, or witness URL KEY, with a semicolon between two"


class Kind(StrEnum):
    """The kinds of destinations."""

    FOLDER = "folder"
    COMMAND = "command"
    WITNESS = "witness"


@dataclass(frozen=True)
class Destination:
    """A destination: its kind, its target as in the setting, and the key of a witness."""

    kind: Kind
    target: str
    key: VerifierKey | None = None

    def __str__(self) -> str:
        """Return the name under which deliveries are kept."""
        return f"{self.kind} {self.target}"


def parse_destinations(setting: str) -> tuple[Destination, ...]:
    """Return the destinations of CHECKPOINT_TO. Raises ValueError with the rule."""
    return tuple(_parsed(part.strip()) for part in setting.split(";") if part.strip())


def _parsed(text: str) -> Destination:
    kind, _, target = text.partition(" ")
    target = target.strip()
    if kind == Kind.FOLDER and Path(target).is_absolute():
        return Destination(Kind.FOLDER, target)
    if kind == Kind.COMMAND and shlex.split(target):
        return Destination(Kind.COMMAND, target)
    if kind == Kind.WITNESS and len(words := target.split()) == len(("URL", "KEY")):
        url, key = words
        if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname:
            try:
                parsed = VerifierKey.parse(key)
            except InvalidNote as error:
                raise ValueError(f"the key of the witness {url}: {error}") from None
            if parsed.type is SignatureType.COSIGNATURE:
                return Destination(Kind.WITNESS, url.rstrip("/"), parsed)
            raise ValueError(f"the key of {url} is that of a log, not of a witness")
    raise ValueError(f"must have the form: {_FORM}; not {text[:80]!r}")
