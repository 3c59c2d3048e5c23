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

    @property
    def shown(self) -> str:
        """The name without what can be a secret: a command's arguments, and a URL except its host."""
        if self.kind is Kind.COMMAND:
            return f"{self.kind} {shlex.split(self.target)[0]}"
        return f"{self.kind} {urlsplit(self.target).hostname if self.kind is Kind.WITNESS else self.target}"


def parse_destinations(setting: str) -> tuple[Destination, ...]:
    """Return the destinations of CHECKPOINT_TO.

    Raises ValueError with the rule and what breaks it. The arguments of a command and what a URL has beside
    its host are not quoted, because they can be secrets.
    """
    return tuple(_parsed(part.strip()) for part in setting.split(";") if part.strip())


def _parsed(text: str) -> Destination:
    kind, _, target = text.partition(" ")
    target = target.strip()
    if kind == Kind.FOLDER:
        if not Path(target).is_absolute():
            raise ValueError(f"the path of a folder must begin with a slash: folder PATH, not {text[:80]!r}")
        return Destination(Kind.FOLDER, target)
    if kind == Kind.COMMAND:
        _require_command(target)
        return Destination(Kind.COMMAND, target)
    if kind == Kind.WITNESS:
        return _witness(target.split())
    raise ValueError(f"must have the form: {_FORM}; {kind[:40]!r} is none of these")


def _require_command(target: str) -> None:
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise ValueError(f"the quotes of a command do not match: {error}") from None
    if not words:
        raise ValueError("a command needs the path of its program: command PROGRAM ARGUMENTS")


def _witness(words: list[str]) -> Destination:
    if len(words) != len(("URL", "KEY")):
        raise ValueError(f"a witness has a URL and a key, which are two words and not {len(words)}")
    url, key = words
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f"the URL of a witness begins with http:// or https:// and a host, not {parts.scheme!r}"
        )
    try:
        parsed = VerifierKey.parse(key)
    except InvalidNote as error:
        raise ValueError(f"the key of the witness at {parts.hostname}: {error}") from None
    if parsed.type is not SignatureType.COSIGNATURE:
        raise ValueError(
            f"the key {key!r} is that of a log. That of a witness is printed there by `flask witness key`"
        )
    return Destination(Kind.WITNESS, url.rstrip("/"), parsed)
