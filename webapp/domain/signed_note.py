"""Signed notes and checkpoints as texts, as in C2SP signed-note, tlog-checkpoint and tlog-cosignature.

A note is a text, an empty line, and a line for each signature. The text of a checkpoint names the origin of
a log, its size and the root of its tree. Keys and signatures are in ``webapp.ledger.transparency.keys``.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from webapp.domain.merkle import HASH_BYTES

_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_SIGNATURES_MAX: Final = 16
_NOTE_LENGTH_MAX: Final = 16_384
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_LINE: Final = re.compile(r"— (\S+) (\S+)")
# How a private key begins, as in Go's package note.
PRIVATE: Final = "PRIVATE+KEY+"
_SHOWN_MAX: Final = 120


class InvalidNote(ValueError):
    """The text is no signed note, checkpoint or key. The message says why in one sentence."""


class SignatureType(IntEnum):
    """The types of keys: of a log that signs a note, and of a witness that cosigns it with a time."""

    ED25519 = 1
    COSIGNATURE = 4


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log: its origin, the number of its leaves, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed; it ends with a newline."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Return the checkpoint of a note's text. Raises InvalidNote, also for further lines."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:  # noqa: PLR2004 (three lines, each with a newline)
            raise InvalidNote("A checkpoint has three lines: the origin, the size and the root.")
        origin, size, root = lines[:3]
        if not _NAME.fullmatch(origin):
            raise InvalidNote("The origin of a checkpoint is a name without spaces and plus signs.")
        if not _SIZE.fullmatch(size):
            raise InvalidNote("The size of a checkpoint is a whole number without leading zeros.")
        digest = strict_base64(root)
        if len(digest) != HASH_BYTES:
            raise InvalidNote("The root of a checkpoint is 32 bytes in base64.")
        return cls(origin, int(size), digest)


@dataclass(frozen=True)
class Signature:
    """One signature of a note: the name and the id of the key, and the bytes that this key made."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line of a note, without a newline."""
        return f"— {self.name} {b64encode(self.key_id + self.signature).decode()}"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """Return the signature of a line without its newline. Raises InvalidNote."""
        found = _LINE.fullmatch(line)
        if not found or not _NAME.fullmatch(found[1]):
            raise InvalidNote("A line of a signature is a dash, the name of the key, and base64.")
        data = strict_base64(found[2])
        if len(data) <= _KEY_ID_BYTES:
            raise InvalidNote("A signature has the four bytes of the key's id and more.")
        return cls(found[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


@dataclass(frozen=True)
class Note:
    """A text, which ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Return the whole note, which ends with a newline."""
        return f"{self.text}\n" + "".join(f"{each.line}\n" for each in self.signatures)

    @classmethod
    def parse(cls, note: str) -> "Note":
        """Return the note of a text. Raises InvalidNote unless `str()` of it is that text again."""
        if len(note) > _NOTE_LENGTH_MAX:
            raise InvalidNote(f"A signed note has at most {_NOTE_LENGTH_MAX} characters.")
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise InvalidNote("A signed note is a text, an empty line, and lines of signatures.")
        signatures = tuple(Signature.parse(line) for line in lines[:-1].split("\n"))
        if len(signatures) > _SIGNATURES_MAX:
            raise InvalidNote(f"A signed note has at most {_SIGNATURES_MAX} signatures.")
        return cls(f"{text}\n", signatures)


@dataclass(frozen=True)
class VerifierKey:
    """The public key of a log or of a witness, with its name. `str()` is the text that people exchange."""

    name: str
    type: SignatureType
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that signatures name the key by."""
        named = f"{self.name}\n".encode() + bytes([self.type]) + self.public_key
        return sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the key as `name+id+base64`."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.type]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Return the key of a text. Raises InvalidNote, whose message quotes the text."""
        if text.startswith(PRIVATE):  # not quoted
            raise InvalidNote("This is a private key, which must stay where it is. A public key is needed.")
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        quoted = repr(text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…")
        if not _NAME.fullmatch(name) or not encoded:
            raise InvalidNote(f"A key is a name, an id and base64, joined by plus signs; not {quoted}.")
        try:
            data = strict_base64(encoded)
        except InvalidNote as error:
            raise InvalidNote(f"The third part of the key {quoted}: {error}") from None
        if len(data) != 1 + _PUBLIC_KEY_BYTES or data[0] not in list(SignatureType):
            raise InvalidNote(f"The key {quoted} is neither an Ed25519 key of a log nor a witness key.")
        key = cls(name, SignatureType(data[0]), data[1:])
        if key.id.hex() != key_id:
            right = key.id.hex()
            raise InvalidNote(
                f"The id in the key {quoted} does not belong to its name and its bytes: it would be {right}."
            )
        return key

    def made(self, signature: Signature) -> bool:
        """Return whether the signature claims to be of this key."""
        return (signature.name, signature.key_id) == (self.name, self.id)


def cosigned_text(text: str, timestamp: int) -> bytes:
    """Return what a witness signs: the text of a checkpoint with the time in seconds since 1970."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def strict_base64(text: str) -> bytes:
    """Return the bytes of standard base64 with padding. Raises InvalidNote for any other spelling."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidNote("This is not base64.") from None
    if b64encode(data).decode() != text:
        raise InvalidNote("This base64 has another spelling than the standard one.")
    return data
