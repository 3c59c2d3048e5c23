"""Ed25519 keys of logs and witnesses: sign and verify the texts of ``domain.signed_note``."""

import secrets
import struct
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from webapp.domain.signed_note import (
    PRIVATE,
    InvalidNote,
    Signature,
    SignatureType,
    VerifierKey,
    cosigned_text,
    strict_base64,
)

SEED_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_TIME: Final = struct.Struct(">Q")


@dataclass(frozen=True)
class SigningKey:
    """A private key, with the name that its signatures have. The seed has 32 bytes."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """Return a new random key."""
        return cls(name, secrets.token_bytes(SEED_BYTES))

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Return the key of a text that `secret_text` made. Raises InvalidNote."""
        name, _, rest = text.removeprefix(PRIVATE).strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        data = strict_base64(encoded)
        if not text.startswith(PRIVATE) or len(data) != 1 + SEED_BYTES or data[0] != SignatureType.ED25519:
            raise InvalidNote("This is no private key of a log.")
        key = cls(name, data[1:])
        if key.verifier.id.hex() != key_id:
            raise InvalidNote("The id in the private key does not belong to its name and its bytes.")
        return key

    @property
    def secret_text(self) -> str:
        """The private key as a line of text, in the form of Go's package note."""
        encoded = b64encode(bytes([SignatureType.ED25519]) + self.seed).decode()
        return f"{PRIVATE}{self.name}+{self.verifier.id.hex()}+{encoded}\n"

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def verifier(self) -> VerifierKey:
        """The key that verifies what `sign` signs."""
        return VerifierKey(self.name, SignatureType.ED25519, self.public_key)

    @property
    def cosignature_verifier(self) -> VerifierKey:
        """The key that verifies what `cosign` signs."""
        return VerifierKey(self.name, SignatureType.COSIGNATURE, self.public_key)

    def named(self, name: str) -> "SigningKey":
        """Return the same key under another name."""
        return SigningKey(name, self.seed)

    def sign(self, text: str) -> Signature:
        """Sign the text of a note, which ends with a newline."""
        return Signature(self.name, self.verifier.id, self._private.sign(text.encode()))

    def cosign(self, text: str, timestamp: int) -> Signature:
        """Sign the text of a checkpoint as a witness, with the time in seconds since 1970."""
        signed = self._private.sign(cosigned_text(text, timestamp))
        return Signature(self.name, self.cosignature_verifier.id, _TIME.pack(timestamp) + signed)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def verify(key: VerifierKey, text: str, signature: Signature) -> bool:
    """Return whether the signature is of this key and of this text."""
    signed, message = signature.signature, text.encode()
    if key.type is SignatureType.COSIGNATURE:
        if len(signed) != _TIME.size + _SIGNATURE_BYTES:
            return False
        (timestamp,) = _TIME.unpack(signed[: _TIME.size])
        signed, message = signed[_TIME.size :], cosigned_text(text, timestamp)
    if not key.made(signature) or len(signed) != _SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signed, message)
    except (InvalidSignature, ValueError):
        return False
    return True
