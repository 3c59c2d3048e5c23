"""The request of a log to a witness, as in C2SP tlog-witness: a checkpoint and how it follows from before."""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from webapp.domain.merkle import HASH_BYTES
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note, strict_base64

# The most hashes of a proof.
PROOF_MAX: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,17})")


@dataclass(frozen=True)
class WitnessRequest:
    """The size of the checkpoint that the witness cosigned last, the consistency proof, and the new note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        """Return the body of the request."""
        lines = [f"old {self.old_size}", *(b64encode(step).decode() for step in self.proof)]
        return "".join(f"{line}\n" for line in lines) + f"\n{self.note}"

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the note. Raises InvalidNote."""
        return Checkpoint.parse(self.note.text)

    @classmethod
    def parse(cls, body: str) -> "WitnessRequest":
        """Return the request of a body. Raises InvalidNote."""
        head, _, note = body.partition("\n\n")
        first, *steps = head.split("\n")
        old = _OLD.fullmatch(first)
        if not old:
            raise InvalidNote("The first line is “old”, a space and a size.")
        if len(steps) > PROOF_MAX:
            raise InvalidNote(f"A proof has at most {PROOF_MAX} lines.")
        proof = tuple(strict_base64(step) for step in steps)
        if any(len(step) != HASH_BYTES for step in proof):
            raise InvalidNote("Each line of the proof is 32 bytes in base64.")
        request = cls(int(old[1]), proof, Note.parse(note))
        Checkpoint.parse(request.note.text)
        return request
